/*
 * bands: when faults were in force, as a trace has it (faultline-trace(5)), in the time of a run of ours.
 *
 * The two know nothing of each other's clock.  But the trace has our own requests: the first one, which has msg_id 1, is
 * what both have seen.
 */
#ifndef LOAD_BANDS_H
#define LOAD_BANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BANDS_MAX = 4096, BAND_LABEL_BYTES = 80, BANDS_WHY_BYTES = 200 };

enum band_kind { BAND_PARTITION, BAND_LINK, BAND_DOWN, BAND_PAUSE, BAND_SKEW, BAND_KINDS };

extern const char *const band_kind_name[BAND_KINDS];

struct band {
	enum band_kind kind;
	double from_s, to_s;            /* seconds; HUGE_VAL: to the end */
	uint64_t id;
	char label[BAND_LABEL_BYTES];   /* PARTITION, LINK: the words of the order; else the node */
};

struct bands {
	struct band *band;
	size_t count;
	bool cut;                       /* there were more */
	double until_s;                 /* the trace's last line; HUGE_VAL: it has come to its end */
};

/*
 * `src` sent its first request at first_s.  0; or -1, and `why` says what is wrong: 0 in *data where the file cannot be
 * read, else it is no trace, or has no such request.  A last line that is torn is passed over.
 */
__attribute__((warn_unused_result))
int bands_read(struct bands *, const char *path, const char *src, double first_s, char why[static BANDS_WHY_BYTES],
	       bool *data);
void bands_release(struct bands *);

#endif
