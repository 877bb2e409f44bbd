#include "trust/words.h"

#include <stddef.h>
#include <string.h>

#define NEW_LINK "Start a new call and send its link over a channel you trust."
#define ALARM "Treat this as an attempt to listen in until you know better. " NEW_LINK
#define RELAY_REMEDY "Try again. Who runs the server should look after its relay (TURN)."
#define UPDATE "Update the program at the other end."

static const so_words words[] = {
    {"link-damaged", "This link is damaged", "A character is missing or wrong, so no call can be opened with it.",
     "Copy the whole link again, or ask for it to be sent once more."},
    {"server-unreachable", "The server cannot be reached", "Either it is down or this machine is offline.",
     "Check the connection and the address in the link."},
    {"certificate-refused", "The server's certificate was refused",
     "It does not chain to a CA that this machine trusts, or is for another name.",
     "Pass --ca FILE if the server has a CA of its own. There is no way to go on without the check."},
    {"room-full", "This call has two people already", "A link joins two ends, never three.",
     "If one of them was you, wait half a minute and try again. If not, somebody else holds the link: start a new "
     "call."},
    {"too-many-joins", "Too many attempts", "The server limits how often one address may join.",
     "Wait a minute, then try again."},
    {"too-many-messages", "Too many messages", "The server limits how much an end may say in a second.", "Try again."},
    {"too-many-rooms", "The server is full", "It carries as many calls as it was set up for.", "Try again later."},
    {"protocol", "The server did not understand", "It refused a message, or speaks another version of the protocol.",
     "Update sotto here or at the server."},
    {"resumed-elsewhere", "The call went on elsewhere", "Another program took this seat.",
     "Use that one, or join again."},
    {"nobody-came", "Nobody came", "The other end did not join in time.",
     "Make sure that it has the same link, and try again."},
    {"no-memory", "Out of memory", "This machine had no memory left for the call.",
     "End other programs and try again."},
    {"hangup", "This end hung up", "The call is over.", ""},
    {"peer-hangup", "The other end hung up", "The call is over.", ""},
    {"peer-left", "The other end left", "It is gone without a farewell.", ""},
    {"no-path", "No path between the two ends", "The networks let no packets through, directly or over a relay.",
     "Try another network. Who runs the server can add a relay (TURN)."},
    {"no-relay", "The server offers no relay", "A call through a relay only was asked for, and there is none.",
     "Who runs the server can add one (sotto serve --turn). Or call without --relay."},
    {"relay-unreachable", "The relay cannot be reached", "It is down, or the network lets nothing through to it.",
     RELAY_REMEDY},
    {"relay-certificate", "The relay's certificate was refused",
     "It does not chain to a CA that this machine trusts, or is for another name.",
     "Pass --ca FILE if the relay has a CA of its own. There is no way to go on without the check."},
    {"relay-credentials", "The relay refused this end's credentials",
     "They have expired, or relay and server do not share one secret.", RELAY_REMEDY},
    {"relay-quota", "The relay is full", "It carries as much as it was set up for.", "Try again later."},
    {"relay-elsewhere", "The relay points to another one", "Another server is not followed.", RELAY_REMEDY},
    {"relay-refused", "The relay refused", "It does not do what a call needs.", RELAY_REMEDY},
    {"relay-malformed", "The relay is none", "What it answers is not TURN.", RELAY_REMEDY},
    {"relay-failed", "The relay cannot be used at this end", "There was no memory, or OpenSSL failed.",
     "End other programs and try again."},
    {"peer-refused", "The other end refused the call", "One of its own checks failed, and it ended the call.", ALARM},
    {"seal-malformed", "A message could not be read", "What arrived is not what an end of this call sends.", ALARM},
    {"seal-no-epoch", "A message came too early", "It arrived before keys were agreed, which no honest server does.",
     ALARM},
    {"seal-reflected", "A message came back",
     "The server returned one of our own messages as if it were the other end's.", ALARM},
    {"seal-replayed", "A message came twice", "Somebody between the two ends repeated it.", ALARM},
    {"seal-gap", "A message is missing", "Somebody between the two ends dropped it or changed the order.",
     "Join again. If it happens again, do not use this server."},
    {"seal-spliced", "An answer to another offer", "Somebody between the two ends mixed two calls.", ALARM},
    {"seal-altered", "A message was altered", "It was changed on its way, or the other end holds another link.", ALARM},
    {"seal-failed", "The seal failed at this end", "There was no memory, or OpenSSL failed.",
     "End other programs and try again."},
    {"fingerprint-missing", "No fingerprint",
     "The other end named no certificate, so nothing would tell it from an impostor.", ALARM},
    {"fingerprint-weak", "The fingerprint is too weak",
     "The other end offers only SHA-1 or older, which can be forged.", UPDATE},
    {"fingerprint-several", "Several fingerprints",
     "The other end named more than one certificate; which would count is unclear.", ALARM},
    {"fingerprint-malformed", "The fingerprint is damaged", "It is not a digest of the kind it says.", ALARM},
    {"fingerprint-changed", "The fingerprint changed", "In mid-call the other end named another certificate.", ALARM},
    {"fingerprint-mismatch", "The fingerprint does not match",
     "The certificate seen in the handshake is not the one that came sealed: somebody sits between the two ends.",
     ALARM},
    {"sdes", "Keys in the open", "The other end wants to send media keys as text (SDES). That is refused.", UPDATE},
    {"profile", "Unprotected media", "The other end offers media without DTLS-SRTP. That is refused.", UPDATE},
    {"sdp-malformed", "A description could not be read", "What the other end said about its media makes no sense.",
     "Join again."},
    {"sdp-too-large", "A description is too large", "What the other end said about its media goes over a limit.",
     UPDATE},
    {"rtcp-mux-missing", "Media and reports on two ports", "The other end cannot send both over one path.", UPDATE},
    {"bundle-missing", "Media on several paths", "The other end cannot send all media over one path.", UPDATE},
    {"setup", "No role in the handshake", "The other end did not say which of the two begins.", UPDATE},
    {"ice-credentials", "No credentials for the path", "The other end's ICE credentials are missing or too short.",
     UPDATE},
    {"answer-mismatch", "An answer that fits no offer", "The other end answered something that was not offered.",
     UPDATE},
    {"wrong-state", "A description out of turn", "The other end said something that was not its turn to say.",
     "Join again."},
    {"dtls-failed", "The handshake failed", "The two ends could not agree on keys.",
     "Join again. If it happens again, update the programs at both ends."},
    {"dtls-old", "The encryption is too old", "The other end speaks a DTLS version below 1.2.", UPDATE},
    {"key-weak", "The key is too weak", "The other end's certificate has a key that can be broken.", UPDATE},
    {"srtp-null", "Media would not be encrypted", "The two ends have no SRTP profile in common that encrypts.", UPDATE},
};

const so_words *so_words_of(const char *code)
{
    static const so_words unknown = {"unknown", "Something went wrong", "There are no words for this fault.",
                                     "Try again."};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].code, code) == 0)
            return &words[i];
    return &unknown;
}
