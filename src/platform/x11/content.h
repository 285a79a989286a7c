// What lies on a clipboard: the same thing in several forms, each under the name of its kind.
#ifndef PLATFORM_X11_CONTENT_H
#define PLATFORM_X11_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xcb/xcb.h>

enum { CONTENT_FORMS_MAX = 48 };

typedef struct ContentForm {
    xcb_atom_t target; // by which it is asked for
    xcb_atom_t type;   // as which it is given
    uint8_t format;    // 8, 16 or 32 bits a unit
    char *bytes;
    size_t length; // in bytes
} ContentForm;

typedef struct Content {
    ContentForm forms[CONTENT_FORMS_MAX];
    size_t count;
} Content;

void content_clear(Content *content);

// Takes the bytes over, also when it fails (no room).
bool content_add(Content *content, const ContentForm *form);

const ContentForm *content_find(const Content *content, xcb_atom_t target);

// Moves all from one to another, which is cleared first.
void content_move(Content *to, Content *from);

#endif
