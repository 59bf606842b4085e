/*
 * own: a descriptor of our own for one that was inherited.
 *
 * Whether reads and writes block belongs to what a descriptor leads to, and that is shared with whoever
 * else has it: the shell whose terminal it is, the other end of a pipeline's `( ... )`.  So a pipe and a
 * terminal are opened anew.
 */
#ifndef NET_OWN_H
#define NET_OWN_H

/*
 * Leads to what fd does, is close-on-exec and does not block (a file always is ready, and stays as it
 * is); fd stays open. -1 and errno where fd is none.
 */
__attribute__((warn_unused_result))
int own_descriptor(int fd);

#endif
