// Clipboard contents: see content.h.
#include "content.h"

#include "base/memory.h"

void content_clear(Content *content)
{
    for (size_t i = 0; i < content->count; i++)
        mem_free(content->forms[i].bytes);
    content->count = 0;
}

bool content_add(Content *content, const ContentForm *form)
{
    if (content->count == CONTENT_FORMS_MAX) {
        mem_free(form->bytes);
        return false;
    }
    content->forms[content->count++] = *form;
    return true;
}

const ContentForm *content_find(const Content *content, xcb_atom_t target)
{
    for (size_t i = 0; i < content->count; i++) {
        if (content->forms[i].target == target)
            return &content->forms[i];
    }
    return NULL;
}

void content_move(Content *to, Content *from)
{
    content_clear(to);
    *to = *from;
    from->count = 0;
}
