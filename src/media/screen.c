#include "media/window_inside.h"

#include <stdlib.h>
#include <string.h>

#define TITLE "Sotto call"
#define SIDE_LEAST 160
#define WIDTH_AT_FIRST 640                  /* at least: browsers begin with small pictures */
#define PART_OF_SCREEN(side) ((side)*4 / 5) /* what a new window takes of it at most */

static so_status failed(so_error *err)
{
    return so_fail(err, SO_NOT_FOUND, "media",
                   "no window can be opened: %s; check DISPLAY, or write the picture to a file with --out call.webm",
                   SDL_GetError());
}

static bool has_variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

so_status so_screen_open(so_screen *s, so_error *err)
{
    /* SDL would take a bare console for itself. */
    if (!has_variable("DISPLAY") && !has_variable("WAYLAND_DISPLAY") && !has_variable("SDL_VIDEODRIVER"))
        return so_fail(
            err, SO_NOT_FOUND, "media",
            "there is no screen for a window: neither DISPLAY nor WAYLAND_DISPLAY is set; start sotto from a "
            "terminal on a screen, or write the picture to a file with --out call.webm");
    (void)SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); /* Ctrl-C is the call's */
    (void)SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return failed(err);
    s->begun = true;
    s->window = SDL_CreateWindow(TITLE, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, SIDE_LEAST, SIDE_LEAST,
                                 SDL_WINDOW_HIDDEN | SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (s->window != NULL)
        s->renderer = SDL_CreateRenderer(s->window, -1, 0);
    if (s->renderer == NULL)
        return failed(err);
    SDL_SetWindowMinimumSize(s->window, SIDE_LEAST, SIDE_LEAST);
    return SO_OK;
}

void so_screen_close(so_screen *s)
{
    if (s->texture != NULL)
        SDL_DestroyTexture(s->texture);
    if (s->renderer != NULL)
        SDL_DestroyRenderer(s->renderer);
    if (s->window != NULL)
        SDL_DestroyWindow(s->window);
    if (s->begun)
        SDL_Quit();
    *s = (so_screen){0};
}

/* ---- drawing ---- */

/* As large as fits, in the middle; black around it. */
static void draw(so_screen *s)
{
    int width = 0, height = 0;
    SDL_Rect to;

    (void)SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
    (void)SDL_RenderClear(s->renderer);
    if (s->texture == NULL || SDL_GetRendererOutputSize(s->renderer, &width, &height) != 0) {
        SDL_RenderPresent(s->renderer);
        return;
    }
    to.w = width;
    to.h = (int)((int64_t)width * s->height / s->width);
    if (to.h > height) {
        to.h = height;
        to.w = (int)((int64_t)height * s->width / s->height);
    }
    to.x = (width - to.w) / 2;
    to.y = (height - to.h) / 2;
    (void)SDL_RenderCopy(s->renderer, s->texture, NULL, &to);
    SDL_RenderPresent(s->renderer);
}

/* With the first picture, in its size or larger where the screen is large enough. Later ones find the window as it is.
 */
static void show(so_screen *s)
{
    int width = s->width, height = s->height;
    SDL_Rect usable;

    if (s->shown)
        return;
    s->shown = true;
    if (width < WIDTH_AT_FIRST) {
        height = (int)((int64_t)height * WIDTH_AT_FIRST / width);
        width = WIDTH_AT_FIRST;
    }
    if (SDL_GetDisplayUsableBounds(SDL_max(SDL_GetWindowDisplayIndex(s->window), 0), &usable) == 0) {
        if (width > PART_OF_SCREEN(usable.w)) {
            height = (int)((int64_t)height * PART_OF_SCREEN(usable.w) / width);
            width = PART_OF_SCREEN(usable.w);
        }
        if (height > PART_OF_SCREEN(usable.h)) {
            width = (int)((int64_t)width * PART_OF_SCREEN(usable.h) / height);
            height = PART_OF_SCREEN(usable.h);
        }
    }
    SDL_SetWindowSize(s->window, SDL_max(width, SIDE_LEAST), SDL_max(height, SIDE_LEAST));
    SDL_SetWindowPosition(s->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
    SDL_ShowWindow(s->window);
}

static so_status set_size(so_screen *s, int width, int height, so_error *err)
{
    SDL_Texture *texture;

    if (s->texture != NULL && width == s->width && height == s->height)
        return SO_OK;
    texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_IYUV, SDL_TEXTUREACCESS_STREAMING, width, height);
    if (texture == NULL)
        return so_fail(err, SO_IO, "media",
                       "a picture of %d x %d can't be shown: %s; ask the other end for a smaller one", width, height,
                       SDL_GetError());
    if (s->texture != NULL)
        SDL_DestroyTexture(s->texture);
    s->texture = texture;
    s->width = width;
    s->height = height;
    return SO_OK;
}

/* What a stream does not say is BT.601, as browsers have it in calls. */
static SDL_YUV_CONVERSION_MODE colours_of(const AVFrame *frame)
{
    if (frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P)
        return SDL_YUV_CONVERSION_JPEG;
    return frame->colorspace == AVCOL_SPC_BT709 ? SDL_YUV_CONVERSION_BT709 : SDL_YUV_CONVERSION_BT601;
}

so_status so_screen_put(so_screen *s, const AVFrame *frame, so_error *err)
{
    so_status status;

    if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P)
        return SO_OK;
    status = set_size(s, frame->width, frame->height, err);
    if (status != SO_OK)
        return status;
    SDL_SetYUVConversionMode(colours_of(frame));
    if (SDL_UpdateYUVTexture(s->texture, NULL, frame->data[0], frame->linesize[0], frame->data[1], frame->linesize[1],
                             frame->data[2], frame->linesize[2]) != 0)
        return so_fail(err, SO_IO, "media", "the picture can't be shown: %s; call again", SDL_GetError());
    show(s);
    draw(s);
    return SO_OK;
}

void so_screen_blank(so_screen *s)
{
    if (s->texture == NULL)
        return;
    SDL_DestroyTexture(s->texture);
    s->texture = NULL;
    draw(s);
}

/* ---- what happens ---- */

bool so_screen_look(so_screen *s)
{
    SDL_Event event;
    bool open = true, changed = false;

    while (SDL_PollEvent(&event)) {
        if (event.type == SDL_QUIT || (event.type == SDL_WINDOWEVENT && event.window.event == SDL_WINDOWEVENT_CLOSE))
            open = false;
        changed |= event.type == SDL_WINDOWEVENT && (event.window.event == SDL_WINDOWEVENT_EXPOSED ||
                                                     event.window.event == SDL_WINDOWEVENT_SIZE_CHANGED);
    }
    if (changed && open && s->shown)
        draw(s);
    return open;
}
