/* The tables that hold a vocabulary of n-grams, and how text is cut into their symbols.
 *
 * An n-gram is a path in a tree: each node is one n-gram, and a step leads from it to the n-gram that is one symbol
 * longer. The symbols of words are the numbers of their nodes; the symbols of characters are code points, and the
 * first up to three of them make one step from the root. Every key holds its symbols whole and every word is compared
 * letter by letter, so that no collision of hashes, found or crafted, can take one n-gram for another.
 */
#ifndef SLUGLINE_TABLES_H
#define SLUGLINE_TABLES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NO_NODE UINT32_MAX
#define NO_KEY UINT64_MAX
#define ROOT_LENGTH 3
#define SYMBOL_BITS 21 /* a code point plus one, so that 0 is "nothing here" */
#define STEP_FLAG (1ULL << 63)

enum kind { WORDS = 0, CHARACTERS = 1 };
enum character_class { LETTER = 1, SPACE = 2 }; /* bits; LETTER is what a regular expression calls \w */

typedef struct {
    uint64_t key;
    uint64_t node;
} Step;

/* `slots` holds hash << 32 | word + 1, 0 where empty; word w is spelled letters[ends[w - 1]] ... letters[ends[w] - 1]. */
typedef struct {
    const uint64_t *slots;
    uint64_t mask;
    const uint32_t *ends;
    const uint32_t *letters;
    const uint32_t *nodes; /* of each word */
} Words;

static inline uint64_t scramble(uint64_t key) {
    key *= 0x9E3779B97F4A7C15ULL;
    return key ^ (key >> 29);
}

/* The hash of a word: HASH_START, then each letter, then the end. */
#define HASH_START 0xCBF29CE484222325ULL

static inline uint64_t hash_letter(uint64_t hash, uint32_t letter) { return (hash ^ letter) * 0x100000001B3ULL; }

static inline uint32_t hash_end(uint64_t hash) { return (uint32_t)(scramble(hash) >> 32); }

static inline uint32_t hash_word(const uint32_t *letters, int64_t length) {
    uint64_t hash = HASH_START;
    for (int64_t i = 0; i < length; i++) hash = hash_letter(hash, letters[i]);
    return hash_end(hash);
}

static inline int is_spelled(const Words *words, uint32_t word, const uint32_t *letters, int64_t length) {
    uint32_t start = word ? words->ends[word - 1] : 0;
    return words->ends[word] - start == length &&
           memcmp(words->letters + start, letters, (size_t)length * sizeof *letters) == 0;
}

/* The number of a word by its hash and letters. */
static inline uint32_t find_word(const Words *words, uint32_t hash, const uint32_t *letters, int64_t length) {
    for (uint64_t slot = hash & words->mask; words->slots[slot]; slot = (slot + 1) & words->mask) {
        uint32_t word = (uint32_t)words->slots[slot] - 1;
        if (words->slots[slot] >> 32 == hash && is_spelled(words, word, letters, length)) return word;
    }
    return NO_NODE;
}

static inline uint32_t find_step(const Step *steps, uint64_t mask, uint64_t key) {
    for (uint64_t slot = scramble(key) & mask; steps[slot].key != NO_KEY; slot = (slot + 1) & mask)
        if (steps[slot].key == key) return (uint32_t)steps[slot].node;
    return NO_NODE;
}

static inline uint64_t word_step(uint32_t node, uint32_t word_node) { return (uint64_t)node << 32 | word_node; }

static inline uint64_t root_step(const uint32_t *symbols, int length) {
    uint64_t key = 0;
    for (int i = 0; i < length; i++) key |= (uint64_t)(symbols[i] + 1) << (i * SYMBOL_BITS);
    return key;
}

static inline uint64_t character_step(uint32_t node, uint32_t symbol) {
    return STEP_FLAG | (uint64_t)node << SYMBOL_BITS | (symbol + 1);
}

/* How much of a text of `length` characters is read, by a lead that is -1 where it is all of it. */
static inline int64_t characters_read(int64_t lead, int64_t length) { return lead >= 0 && lead < length ? lead : length; }

/* The next run of at least two letters from `at` on; returns its start, or `length` where there is none. */
static inline int64_t next_word(const uint32_t *text, int64_t length, const uint8_t *classes, int64_t at, int64_t *end) {
    while (at < length) {
        while (at < length && !(classes[text[at]] & LETTER)) at++;
        int64_t start = at;
        while (at < length && classes[text[at]] & LETTER) at++;
        if (at - start >= 2) {
            *end = at;
            return start;
        }
    }
    return length;
}

/* The next run of anything but spaces from `at` on; returns its start, or `length` where there is none. */
static inline int64_t next_token(const uint32_t *text, int64_t length, const uint8_t *classes, int64_t at, int64_t *end) {
    while (at < length && classes[text[at]] & SPACE) at++;
    int64_t start = at;
    while (at < length && !(classes[text[at]] & SPACE)) at++;
    *end = at;
    return start;
}

#endif
