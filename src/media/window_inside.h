/* Inside media/: what a window is to the thread that draws in it. All of it is for that thread alone. */
#ifndef SOTTO_MEDIA_WINDOW_INSIDE_H
#define SOTTO_MEDIA_WINDOW_INSIDE_H

#include "base/status.h"

#include <SDL.h>
#include <libavutil/frame.h>

typedef struct so_screen { /* all zero at first */
    bool begun;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    int width, height; /* of the texture */
    bool shown;
} so_screen;

so_status so_screen_open(so_screen *screen, so_error *err) SO_MUST_CHECK;
void so_screen_close(so_screen *screen); /* also where opening failed */
/* Takes what can be shown (8 bits, 4:2:0), and shows the window with the first. */
so_status so_screen_put(so_screen *screen, const AVFrame *frame, so_error *err) SO_MUST_CHECK;
void so_screen_blank(so_screen *screen); /* black, until the next picture */
/* What has happened to it; false: somebody closed the window. */
bool so_screen_look(so_screen *screen);

#endif
