/*
 * preload: the libraries that netfault has its nodes load: where they are.
 */
#ifndef PRELOAD_PRELOAD_H
#define PRELOAD_PRELOAD_H

#include "lib/base/buf.h"

/*
 * The path of `virtual` or `unsynced`: ../lib/faultline/NAME.so seen from the running program's file, be it
 * installed or in build/.  0 or errno; the path ends with NUL.
 */
__attribute__((warn_unused_result))
int preload_path(struct buf *path, const char *name);

#endif
