/* Memory that grows. */
#ifndef SLUGLINE_MEMORY_H
#define SLUGLINE_MEMORY_H

#include <stdlib.h>

/* Gives the array at `array` (the address of its pointer) room for `count` items of `size` bytes. Returns 0, or 1 where
 * memory ran out; the array is then as it was. */
static inline int grow(void *array, size_t count, size_t size) {
    void **address = array, *bigger = realloc(*address, count * size);
    if (bigger) *address = bigger;
    return bigger == NULL;
}

#endif
