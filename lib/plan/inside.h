/*
 * inside: what the files of lib/plan offer each other.
 *
 * A fault is text in four ways (plan.h); each is taken apart by a file of its own, and what they have in common
 * is here: names of types and shapes, the rules of names, numbers, and errors.
 */
#ifndef PLAN_INSIDE_H
#define PLAN_INSIDE_H

#include "lib/plan/plan.h"

/* Sums of times no longer than a year are far from the end of 64 bits. */
#define PLAN_NS_MAX (UINT64_C(8760) * 3600 * 1000000000)
#define PLAN_DRIFT_MAX 1000.0

/* A slice of a text; `p` is the caller's. */
struct piece { const char *p; size_t len; };

/* Up to the first c, which goes, or all; `rest` is moved on, and its p is NULL where no c was left. */
struct piece piece_cut(struct piece *rest, char c);
bool piece_is(struct piece, const char *word);

/* --- Errors --- */

/* Always -1.  A text that is too long for `why` is cut between characters. */
__attribute__((format(printf, 2, 3)))
int plan_wrong(struct plan_error *, const char *fmt, ...);

/* For %.*s: no more of the text than a message has room for. */
#define SHOWN(piece) plan_shown(piece), (piece).p
int plan_shown(struct piece);

/* The closest of `words` (NULL at the end), or NULL. */
const char *plan_near(struct piece, const char *const *words);

/* --- Numbers --- */

/* Decimal, with an exponent perhaps: finite and not negative. */
bool plan_number(struct piece, double *);
/* The shortest text that reads back the same. */
void plan_number_print(struct buf *, double);
void plan_duration_print(struct buf *, uint64_t ns);

/* --- Types, shapes, names --- */

/* Indexed by kind and shape; NULL ends them. */
extern const char *const plan_kind_name[FAULT_ORDERS + 1];
extern const char *const plan_shape_name[FAULT_SHAPES + 1];

/* 0, or -1 and error. */
__attribute__((warn_unused_result))
int plan_kind(struct piece, enum fault_kind *, struct plan_error *);
__attribute__((warn_unused_result))
int plan_shape(struct piece, enum fault_shape *, struct plan_error *);

/* May a node have that name? */
bool plan_name_right(struct piece);
/* "*", "?" or "?2": which nodes, without their names. */
bool plan_some_right(struct piece);
__attribute__((warn_unused_result))
int plan_pattern(struct piece, struct plan_error *);

/* Does the kind say which nodes, as crash n1? */
bool plan_of_nodes(enum fault_kind);
/* Does it last, so that `for` can end it? */
bool plan_lasts(enum fault_kind);

/* A time with a sign perhaps; false if it is none. */
bool plan_offset(struct piece, int64_t *ns);

/* --- setting.c --- */

/* Each setting as a member: a comma, its name, its value. */
void plan_settings_print(struct buf *, const struct fault_settings *);

#endif
