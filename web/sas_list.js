// What the four bytes of the short string look and sound like: docs/sas.txt for the page. A test holds the two equal.

/** @type {readonly string[][]} picture and its name, by the byte */
export const PICTURES = `
  🐶 dog, 🐱 cat, 🐭 mouse, 🐰 rabbit, 🦊 fox, 🐻 bear, 🐼 panda, 🐨 koala, 🐯 tiger, 🦁 lion, 🐮 cow, 🐷 pig, 🐸 frog, 🐵 monkey, 🐧 penguin,
  🦆 duck, 🦅 eagle, 🦉 owl, 🦇 bat, 🐺 wolf, 🐴 horse, 🦄 unicorn, 🐝 bee, 🐛 caterpillar, 🦋 butterfly, 🐌 snail, 🐞 ladybird, 🐜 ant,
  🦂 scorpion, 🐢 turtle, 🐍 snake, 🦎 lizard, 🦖 dinosaur, 🐙 octopus, 🦐 shrimp, 🦀 crab, 🐟 fish, 🐬 dolphin, 🐳 whale, 🦈 shark,
  🐊 crocodile, 🦓 zebra, 🦍 gorilla, 🐘 elephant, 🦏 rhino, 🐪 camel, 🦒 giraffe, 🐑 sheep, 🐐 goat, 🦌 deer, 🐓 rooster, 🦃 turkey,
  🦔 hedgehog, 🐉 dragon, 🦚 peacock, 🦜 parrot, 🦢 swan, 🦘 kangaroo, 🦙 llama, 🦛 hippo, 🦝 raccoon, 🐾 paw prints, 🌵 cactus,
  🎄 Christmas tree, 🌴 palm tree, 🌳 oak, 🍀 clover, 🍁 maple leaf, 🍄 mushroom, 🌷 tulip, 🌹 rose, 🌻 sunflower, 🌸 cherry blossom,
  🌾 wheat, 💐 bouquet, 🌱 seedling, 🌍 globe, 🌙 moon, ⭐ star, 🌈 rainbow, ⚡ lightning, 🔥 fire, 🌊 wave, ⛄ snowman, ☔ umbrella,
  💧 droplet, 🌋 volcano, 🌞 sun, 🌀 spiral, 🍎 apple, 🍐 pear, 🍊 orange, 🍋 lemon, 🍌 banana, 🍉 watermelon, 🍇 grapes, 🍓 strawberry,
  🍒 cherries, 🍍 pineapple, 🥥 coconut, 🥝 kiwi, 🍅 tomato, 🥑 avocado, 🥦 broccoli, 🥒 cucumber, 🥕 carrot, 🥔 potato, 🌽 corn,
  🥐 croissant, 🍞 bread, 🥨 pretzel, 🧀 cheese, 🥚 egg, 🍳 frying pan, 🥞 pancakes, 🥓 bacon, 🍔 burger, 🍟 fries, 🍕 pizza, 🌭 hot dog,
  🥪 sandwich, 🌮 taco, 🥗 salad, 🍝 spaghetti, 🍣 sushi, 🍦 ice cream, 🍩 doughnut, 🍪 cookie, 🎂 birthday cake, 🥧 pie, 🍫 chocolate,
  🍭 lollipop, 🍿 popcorn, 🍯 honey, 🥛 milk, ☕ coffee, 🍺 beer, 🍷 wine, 🍹 cocktail, 🥜 peanuts, 🌰 chestnut, 🧂 salt, 🥄 spoon,
  🥢 chopsticks, ⚽ football, 🏀 basketball, 🎾 tennis, 🏓 ping pong, 🏹 archery, 🎣 fishing, 🥊 boxing glove, ⛳ golf, 🎿 skis,
  🛹 skateboard, 🏆 trophy, 🥇 medal, 🎭 theatre, 🎨 palette, 🎬 clapperboard, 🎤 microphone, 🎧 headphones, 🎹 piano, 🥁 drum,
  🎷 saxophone, 🎺 trumpet, 🎸 guitar, 🎻 violin, 🎲 dice, 🎯 dartboard, 🎳 bowling, 🎮 gamepad, 🧩 puzzle, 🎈 balloon, 🎁 gift, 🎃 pumpkin,
  🎆 fireworks, 🚗 car, 🚌 bus, 🚑 ambulance, 🚒 fire engine, 🚜 tractor, 🚲 bicycle, 🛵 scooter, 🚂 steam train, 🚁 helicopter, 🚀 rocket,
  🛸 flying saucer, ⛵ sailboat, 🚢 ship, ⚓ anchor, ⛽ fuel pump, 🚦 traffic light, 🗿 statue, 🗼 tower, 🏰 castle, 🎡 ferris wheel,
  ⛲ fountain, ⛺ tent, 🏠 house, 🏭 factory, ⛪ church, 🌉 bridge, 🚪 door, 🛶 canoe, 📱 mobile phone, 💻 laptop, 📷 camera, 📺 television,
  📻 radio, ⏰ alarm clock, ⌛ hourglass, 🔋 battery, 🔌 plug, 💡 light bulb, 🔦 torch, 💎 diamond, 🔧 spanner, 🔨 hammer, 🧲 magnet,
  🔭 telescope, 🔬 microscope, 🔑 key, 🚿 shower, 🧹 broom, 📚 books, 📎 paperclip, 📏 ruler, 🔍 magnifier, 📦 parcel, 📫 letterbox,
  🎒 backpack, 👓 glasses, 👑 crown, 🎩 top hat, 👟 running shoe, 👢 boot, 👔 necktie, 👕 shirt, 👖 trousers, 👗 dress, 🧦 socks, 🧣 scarf,
  👜 handbag, 💍 ring, 🔔 bell, 📣 megaphone, 🧭 compass, 🧶 yarn, 👻 ghost, 👽 alien, 🤖 robot, 🦷 tooth, 🦴 bone, 🧠 brain, 🏮 lantern,
  🧱 bricks
`.trim().split(/,\s+/).map((entry) => {
  const [picture, ...name] = entry.split(' ');
  return [picture, name.join(' ')];
});

/** @type {readonly string[]} the word to be read aloud, by the byte */
export const WORDS = `
  afternoon album alpine angel answer apron arctic artist athlete atlas autumn avenue bachelor balcony bamboo banquet barrel
  bassoon beaver bedroom benefit blueprint bonfire boulder breakfast budget buffalo button cabbage canyon captain chapter chimney
  chorus cinema citizen climate cobweb concert copper cottage cousin cradle crimson cyclone daffodil dancer decade denim diagram
  domino double drawer dynamo early eclipse elbow emerald enamel envelope episode escape exhibit fabric festival figure flannel
  focus forest fossil freedom frozen furnace galaxy garlic giant ginger glacier golden gondola gravity grocery haircut hammock
  handle harvest hazel headline helmet history hobby holiday hybrid iceberg igloo insect island ivory jaguar jelly jersey jigsaw
  jockey journal jubilee junior karate kayak ketchup keyboard kingdom kitchen ladder lagoon lavender leopard liberty lilac linen
  lobster lottery lounge machine magazine mammoth mandolin meadow memory mercury midnight mirror morning mosaic movie muffin
  museum napkin nephew nickel noodle notebook nursery nutmeg nylon oasis oatmeal ocean olive onion opera optic orbit oxygen
  package palace papaya paradise passport pattern pebble pelican pencil picnic pigeon pilot planet polar portrait postcard powder
  pudding puppet purple pyramid railway rapid razor recipe remedy reptile rescue rhythm ripple robin rodeo romance rooftop rugby
  runner safari sailor salmon sandal satin season shelter shovel signal silver sketch slogan snack soprano spider sponge square
  stadium steeple stocking studio submarine sugar summer sunset swallow syrup table tadpole talent tango tapestry target tavern
  teapot tinsel titan toffee topaz tornado tourist treasure triumph turbine tuxedo typhoon uniform urban vacuum valley village
  vinegar violet visitor voyage waffle waiter walnut wardrobe welcome whisper wizard yesterday yogurt zeppelin zigzag zodiac
`.trim().split(/\s+/);
