/*
 * What a person does to a window of `sotto call`, for tests without a window manager: x11 close, x11 resize WIDTH
 * HEIGHT. Exit code 1: there is no such window (yet).
 */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "Sotto call"

/* A window that was listed may be gone by the time that it is asked for. */
static int pass_over(Display *display, XErrorEvent *event)
{
    (void)display;
    (void)event;
    return 0;
}

static bool is_shown(Display *display, Window window)
{
    XWindowAttributes attributes;
    char *name = NULL;
    bool is = XFetchName(display, window, &name) != 0 && name != NULL && strcmp(name, TITLE) == 0 &&
              XGetWindowAttributes(display, window, &attributes) != 0 && attributes.map_state == IsViewable;

    if (name != NULL)
        (void)XFree(name);
    return is;
}

/* None: there is none. */
static Window find(Display *display)
{
    Window root, parent, *children = NULL, found = None;
    unsigned count = 0;

    if (XQueryTree(display, DefaultRootWindow(display), &root, &parent, &children, &count) == 0)
        return None;
    for (unsigned i = 0; i < count; i++)
        if (is_shown(display, children[i]))
            found = children[i];
    if (children != NULL)
        (void)XFree(children);
    return found;
}

static void ask_to_close(Display *display, Window window)
{
    XEvent event = {.xclient = {.type = ClientMessage,
                                .window = window,
                                .message_type = XInternAtom(display, "WM_PROTOCOLS", False),
                                .format = 32,
                                .data.l = {(long)XInternAtom(display, "WM_DELETE_WINDOW", False), CurrentTime}}};

    (void)XSendEvent(display, window, False, NoEventMask, &event);
}

int main(int argc, char **argv)
{
    Display *display = XOpenDisplay(NULL);
    Window window;

    (void)XSetErrorHandler(pass_over);
    window = display == NULL ? None : find(display);
    if (display == NULL || argc < 2) {
        (void)fprintf(stderr, "usage: DISPLAY=:N x11 close | resize WIDTH HEIGHT\n");
        return 2;
    }
    if (window != None && strcmp(argv[1], "close") == 0)
        ask_to_close(display, window);
    if (window != None && strcmp(argv[1], "resize") == 0 && argc == 4)
        (void)XResizeWindow(display, window, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    (void)XCloseDisplay(display);
    return window == None;
}
