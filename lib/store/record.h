/*
 * record: one line of a log or a snapshot, `CRC JSON\n`.
 *
 * The checksum is CRC32C of the JSON, 8 lower-case hex digits.  A record is an object: its JSON
 * begins with a brace, so no run of equal bytes is ever taken for one.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_CRC_BYTES = 8,
	RECORD_HEAD_BYTES = 9,          /* checksum and space */
	RECORD_EXTRA_BYTES = 10,        /* the newline too */
};

/* CRC32C of what was summed up as `crc` and these bytes; 0 is the sum of nothing. */
uint32_t record_crc_extend(uint32_t crc, const char *, size_t);
/* The same without the processor's help. */
uint32_t record_crc_software(uint32_t crc, const char *, size_t);

/* Eight digits. */
void record_hex(char *out, uint32_t);

/* Puts the checksum before and the newline after the JSON that stands at line + RECORD_HEAD_BYTES. */
void record_seal(char *line, size_t json_len);

/* Is this, without its newline, a whole record? */
bool record_whole(const char *line, size_t len);

#endif
