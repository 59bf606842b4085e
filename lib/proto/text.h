/*
 * text: inside the coats of both cores: what their messages and texts have alike.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include "lib/base/buf.h"
#include "lib/wire/wire.h"

#include <stdbool.h>

/* A chunk's bytes into `chunk`, which is emptied first: a snapshot is text, and travels as a JSON string. */
void chunk_decode(struct buf *chunk, const struct wire_value *data);

/*
 * The first chunk begins with the record that names the snapshot: a checksum, a space, and this; empty where that is no JSON, or
 * does not end in this chunk.
 */
struct wire_text chunk_header(const struct buf *chunk);

/* Is a command or value a configuration? */
bool text_is_config(struct wire_text);

#endif
