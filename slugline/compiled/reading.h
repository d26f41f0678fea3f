/* Reading: from a text to the features of one family.
 *
 * Most words and tokens of a text are among a few thousand, and are looked up in a memory of those met before. What a text
 * says next cannot be foretold, by a processor either, and a branch that it guesses wrong costs it as much as reading
 * several letters: so what is done for every letter, word and token has no branch that depends on the text.
 */
#ifndef SLUGLINE_READING_H
#define SLUGLINE_READING_H

#include <math.h>

#include "tables.h"

#define MEMORY_LETTERS 12  /* of the longest word or token that is remembered */
#define MEMORY_FEATURES 36 /* 3- to 5-grams of the longest token that is remembered, and a few more */
#define AT_ONCE 4096       /* features that are counted together, at least those of one token */
#define LOGARITHMS 256

/* One family of features; node f < features is feature f, and the nodes after them are prefixes only.
 * `rows` has 1 + topics numbers a feature: its idf, then idf x weight for each topic. */
typedef struct {
    int32_t kind, min_n, max_n, sublinear;
    int64_t lead; /* how many characters are read, -1 for all */
    uint64_t features;
    Words words;
    const Step *steps;
    uint64_t steps_mask;
    const double *rows;
} Family;

/* All that scoring reads besides the text; `biases` has one number a topic. */
typedef struct {
    const Family *families;
    int64_t family_count;
    const double *biases;
    const uint8_t *classes;
} Model;

/* A word met before. `family` counts from 1, and is 0 where nothing is remembered; letters after the last are 0. */
typedef struct {
    uint32_t node;
    uint16_t family, length, letters[MEMORY_LETTERS];
} MetWord;

/* A token met before, and its features, one number for each occurrence. */
typedef struct {
    uint16_t family;
    uint8_t length, features;
    uint16_t letters[MEMORY_LETTERS];
    uint32_t list[MEMORY_FEATURES];
} MetToken;

/* Something said at text[start] ... text[end - 1], and what it adds to each raw score. */
typedef struct {
    int64_t start, end;
    int32_t family, unused;
} Mention;

/* One occurrence of a feature, in the mention of this number. */
typedef struct {
    uint32_t feature, unused;
    int64_t mention;
} Occurrence;

/* What one thread needs besides the model. */
typedef struct {
    int32_t topics;
    int64_t room, list_room, mentions_room, mentions, occurrences_room, occurrences;
    int64_t read, known;        /* words or tokens of a family's text, and those that the vocabulary has */
    uint32_t *counts, *touched; /* by feature, zero between families; and the features that are not zero */
    int64_t touched_count;
    int64_t lowered_room;
    uint32_t *lowered;          /* the text of a request */
    uint16_t *letters;          /* the text, with letters that do not fit clipped */
    int64_t *starts, *ends;     /* of the words or tokens of a text */
    uint64_t *hashes;
    uint32_t *symbols, *nodes;  /* of the words of a text, or of the characters of a token */
    uint32_t *list;             /* the features of a token */
    uint32_t *gathered;         /* features that are to be counted */
    MetWord *met_words;
    MetToken *met_tokens;
    double *sums;
    double *values; /* topics x mentions */
    Mention *found;
    Occurrence *occurred;
    double frequencies[LOGARITHMS];
} Scratch;

typedef struct {
    const uint32_t *features; /* one number for each occurrence */
    int64_t count;            /* -1 where memory ran out */
} Features;

static inline const double *row_of(const Family *family, int topics, uint32_t feature) {
    return family->rows + (size_t)feature * (size_t)(1 + topics);
}

static inline double frequency(const Family *family, const Scratch *scratch, uint32_t times) {
    if (!family->sublinear) return times;
    return times < LOGARITHMS ? scratch->frequencies[times] : 1.0 + log(times);
}

/* Gets ready to read a text of `length` characters, whatever the family. Returns 0, or 1 where memory ran out. */
int slugline_begin(Scratch *scratch, const uint32_t *text, int64_t length);

/* Finds the words of a text: starts[i] and ends[i] are where the i-th stands, symbols[i] and nodes[i] become its node.
 * Returns how many there are. */
int64_t slugline_read_words(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                            const uint8_t *classes);

/* From the n-grams of n - 1 words that begin at each word, in `nodes`, to those of n. Returns how many may exist. */
int64_t slugline_lengthen_words(const Family *family, Scratch *scratch, int64_t words, int n);

/* Finds the tokens of a text: starts[i] and ends[i] are where the i-th stands. Returns how many there are. */
int64_t slugline_read_tokens(Scratch *scratch, const uint32_t *text, int64_t length, const uint8_t *classes);

/* The i-th token of a text, if it has been met lately or can be remembered now; NULL where its features are to be had from
 * `slugline_features` alone. */
const MetToken *slugline_met_token(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t i);

/* Fetches what `slugline_met_token` reads. */
void slugline_fetch_token(const Scratch *scratch, int64_t i);

/* The features of a token. */
Features slugline_features(const Family *family, Scratch *scratch, const uint32_t *letters, int64_t length);

#endif
