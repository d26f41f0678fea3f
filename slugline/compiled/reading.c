#define _DEFAULT_SOURCE /* for MAP_ANONYMOUS */

#include "reading.h"

#include <sys/mman.h>

#include "memory.h"

#define MET_WORDS 32768 /* a power of two, as all of these */
#define MET_TOKENS 32768
#define TOO_LARGE 0xFFFF /* what letters that do not fit are clipped to; no word with it is remembered */
#define AT_A_TIME 64     /* words that are looked up together */
#define AHEAD 12         /* how many words before its turn what one needs is fetched */
#define PROBES 2         /* slots of a table that are looked at together */
#define CACHE_LINE 64

/* Zeroed memory of its own pages: it goes back to the system when it is freed, which what is allocated among the rest does
 * not; a server that takes over one model after the other would grow. NULL where memory ran out. */
static void *new_pages(size_t size) {
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void slugline_scratch_free(Scratch *scratch) {
    if (!scratch) return;
    if (scratch->met_words) munmap(scratch->met_words, MET_WORDS * sizeof *scratch->met_words);
    if (scratch->met_tokens) munmap(scratch->met_tokens, MET_TOKENS * sizeof *scratch->met_tokens);
    void *parts[] = {scratch->counts, scratch->touched, scratch->letters, scratch->starts,   scratch->ends,
                     scratch->hashes, scratch->symbols, scratch->nodes,   scratch->list,     scratch->gathered,
                     scratch->sums,   scratch->values,  scratch->found,   scratch->occurred, scratch->lowered};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
    free(scratch);
}

Scratch *slugline_scratch_new(int64_t most_features, int32_t topics) {
    Scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch) return NULL;
    scratch->topics = topics;
    scratch->counts = calloc((size_t)most_features + 1, sizeof *scratch->counts);
    scratch->touched = malloc(((size_t)most_features + 1) * sizeof *scratch->touched);
    scratch->gathered = malloc((AT_ONCE + MEMORY_FEATURES) * sizeof *scratch->gathered);
    scratch->met_words = new_pages(MET_WORDS * sizeof *scratch->met_words);
    scratch->met_tokens = new_pages(MET_TOKENS * sizeof *scratch->met_tokens);
    scratch->sums = malloc((size_t)topics * sizeof *scratch->sums + 1);
    for (int i = 1; i < LOGARITHMS; i++) scratch->frequencies[i] = 1.0 + log(i);
    if (scratch->counts && scratch->touched && scratch->gathered && scratch->met_words && scratch->met_tokens &&
        scratch->sums)
        return scratch;
    slugline_scratch_free(scratch);
    return NULL;
}

static int make_room(Scratch *scratch, int64_t length) {
    if (length + 2 <= scratch->room) return 0;
    size_t room = (size_t)length * 3 / 2 + 64;
    if (grow(&scratch->symbols, room, sizeof(uint32_t)) || grow(&scratch->nodes, room, sizeof(uint32_t)) ||
        grow(&scratch->starts, room, sizeof(int64_t)) || grow(&scratch->ends, room, sizeof(int64_t)) ||
        grow(&scratch->hashes, room, sizeof(uint64_t)) ||
        grow(&scratch->letters, room + MEMORY_LETTERS, sizeof(uint16_t)))
        return 1;
    scratch->room = (int64_t)room;
    return 0;
}

int slugline_begin(Scratch *scratch, const uint32_t *text, int64_t length) {
    if (make_room(scratch, length)) return 1;
    uint16_t *letters = scratch->letters;
    for (int64_t i = 0; i < length; i++) letters[i] = text[i] < TOO_LARGE ? (uint16_t)text[i] : TOO_LARGE;
    memset(letters + length, 0, MEMORY_LETTERS * sizeof *letters);
    return 0;
}

/* Finds the runs, of at least `least` characters, of characters whose class has the bit `class`, or that lack it where
 * `lack` is 1. Everything is written at every character, and kept where a run ends. */
static inline int64_t find_runs(Scratch *scratch, const uint32_t *text, int64_t length, const uint8_t *classes, int class,
                                int lack, int64_t least) {
    int64_t *starts = scratch->starts, *ends = scratch->ends, runs = 0, start = 0;
    uint64_t *hashes = scratch->hashes, hash = HASH_START;
    int inside = 0;
    for (int64_t i = 0; i < length; i++) {
        int is_in = ((classes[text[i]] & class) != 0) ^ lack;
        starts[runs] = start;
        ends[runs] = i;
        hashes[runs] = hash;
        runs += inside & !is_in & (i - start >= least);
        int begins = is_in & !inside;
        start = begins ? i : start;
        hash = hash_letter(begins ? HASH_START : hash, text[i]);
        inside = is_in;
    }
    starts[runs] = start;
    ends[runs] = length;
    hashes[runs] = hash;
    return runs + (inside & (length - start >= least));
}

static inline uint64_t first_letters(int64_t letters) {
    static const uint64_t masks[] = {0, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFF, UINT64_MAX};
    return masks[letters < 0 ? 0 : letters > 4 ? 4 : letters];
}

/* Whether the first `length` letters, of MEMORY_LETTERS at most that may be read, are those remembered, and no more. */
static inline int is_same(const uint16_t *remembered, const uint16_t *letters, int64_t length) {
    uint64_t these[3], those[3];
    memcpy(these, letters, sizeof these);
    memcpy(those, remembered, sizeof those);
    return (((these[0] & first_letters(length)) ^ those[0]) | ((these[1] & first_letters(length - 4)) ^ those[1]) |
            ((these[2] & first_letters(length - 8)) ^ those[2])) == 0;
}

/* Remembers letters, where they are few and each fits; returns whether they are. */
static inline int keep_letters(uint16_t *remembered, const uint16_t *letters, int64_t length) {
    if (length > MEMORY_LETTERS) return 0;
    memset(remembered, 0, MEMORY_LETTERS * sizeof *remembered);
    int fit = 1;
    for (int64_t i = 0; i < length; i++) {
        remembered[i] = letters[i];
        fit &= letters[i] != TOO_LARGE;
    }
    return fit;
}

static inline MetWord *met_word(const Scratch *scratch, uint32_t hash) {
    return &scratch->met_words[hash & (MET_WORDS - 1)];
}

/* From the hashes of words that have not been met, in `symbols`, to their nodes. What a lookup reads is likely to lie far
 * from what the others do: so each step of all of them fetches what the next one reads. */
static void look_up(const Words *table, int32_t number, Scratch *scratch, const uint32_t *text, const int64_t *unmet,
                    int count) {
    uint32_t *symbols = scratch->symbols;
    for (int k = 0; k < count; k++) {
        uint32_t word = (uint32_t)table->slots[symbols[unmet[k]] & table->mask];
        if (!word) continue;
        __builtin_prefetch(&table->ends[word - 1]);
        __builtin_prefetch(&table->nodes[word - 1]);
    }
    for (int k = 0; k < count; k++) {
        uint32_t word = (uint32_t)table->slots[symbols[unmet[k]] & table->mask];
        if (word > 1) __builtin_prefetch(&table->letters[table->ends[word - 2]]);
    }
    for (int k = 0; k < count; k++) {
        int64_t i = unmet[k], start = scratch->starts[i], length = scratch->ends[i] - start;
        uint32_t word = find_word(table, symbols[i], text + start, length);
        MetWord *met = met_word(scratch, symbols[i]);
        symbols[i] = scratch->nodes[i] = word == NO_NODE ? NO_NODE : table->nodes[word];
        scratch->known += word != NO_NODE;
        if (length > MEMORY_LETTERS) continue;
        met->family = keep_letters(met->letters, scratch->letters + start, length) ? (uint16_t)(number + 1) : 0;
        met->length = (uint16_t)length;
        met->node = symbols[i];
    }
}

/* From the words `first` ... `last` - 1 to their nodes. */
static void recognise(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t first,
                      int64_t last) {
    int64_t unmet[AT_A_TIME];
    int count = 0;
    for (int64_t i = first; i < last; i++) {
        scratch->symbols[i] = hash_end(scratch->hashes[i]);
        __builtin_prefetch(met_word(scratch, scratch->symbols[i]));
    }
    for (int64_t i = first; i < last; i++) {
        uint32_t hash = scratch->symbols[i];
        const MetWord *met = met_word(scratch, hash);
        int64_t start = scratch->starts[i], length = scratch->ends[i] - start;
        if (met->family == number + 1 && met->length == length &&
            is_same(met->letters, scratch->letters + start, length)) {
            scratch->symbols[i] = scratch->nodes[i] = met->node;
            scratch->known += met->node != NO_NODE;
        } else {
            __builtin_prefetch(&family->words.slots[hash & family->words.mask]);
            unmet[count++] = i;
        }
    }
    look_up(&family->words, number, scratch, text, unmet, count);
}

int64_t slugline_read_words(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                            const uint8_t *classes) {
    int64_t words = find_runs(scratch, text, length, classes, LETTER, 0, 2);
    for (int64_t first = 0; first < words; first += AT_A_TIME)
        recognise(family, number, scratch, text, first, first + AT_A_TIME < words ? first + AT_A_TIME : words);
    scratch->read += words;
    return words;
}

static inline uint64_t pair_step(const Scratch *scratch, int64_t i, int n) {
    return word_step(scratch->nodes[i], scratch->symbols[i + n - 1]);
}

/* As `find_step`, with a branch for the few steps that lie far from their slot alone. */
static inline uint32_t find_near_step(const Step *steps, uint64_t mask, uint64_t key) {
    uint64_t slot = scramble(key) & mask;
    uint32_t node = NO_NODE;
    int is_over = 0;
    for (uint64_t probe = 0; probe < PROBES; probe++) {
        const Step *step = &steps[(slot + probe) & mask];
        node = step->key == key ? (uint32_t)step->node : node;
        is_over |= (step->key == key) | (step->key == NO_KEY);
    }
    return is_over ? node : find_step(steps, mask, key);
}

int64_t slugline_lengthen_words(const Family *family, Scratch *scratch, int64_t words, int n) {
    uint32_t *nodes = scratch->nodes, *symbols = scratch->symbols;
    const Step *steps = family->steps;
    uint64_t mask = family->steps_mask;
    int64_t here = words - n + 1;
    for (int64_t i = 0; i < AHEAD && i < here; i++) __builtin_prefetch(&steps[scramble(pair_step(scratch, i, n)) & mask]);
    for (int64_t i = 0; i < here; i++) {
        if (i + AHEAD < here) __builtin_prefetch(&steps[scramble(pair_step(scratch, i + AHEAD, n)) & mask]);
        int is_none = (nodes[i] == NO_NODE) | (symbols[i + n - 1] == NO_NODE);
        uint32_t longer = find_near_step(steps, mask, pair_step(scratch, i, n));
        nodes[i] = is_none ? NO_NODE : longer;
    }
    return here;
}

/* The n-grams that begin at each symbol of a token: of n <= ROOT_LENGTH from the root, longer ones from those of n - 1.
 * All slots are fetched before the first is read, since each is likely to lie far from the others. */
static int64_t lengthen_characters(const Family *family, Scratch *scratch, int64_t size, int n) {
    const uint32_t *symbols = scratch->symbols;
    uint32_t *nodes = scratch->nodes;
    const Step *steps = family->steps;
    uint64_t mask = family->steps_mask;
    int64_t here = size - n + 1;
    if (n <= ROOT_LENGTH) {
        for (int64_t i = 0; i < here; i++) __builtin_prefetch(&steps[scramble(root_step(symbols + i, n)) & mask]);
        for (int64_t i = 0; i < here; i++) nodes[i] = find_near_step(steps, mask, root_step(symbols + i, n));
        return here;
    }
    for (int64_t i = 0; i < here; i++)
        __builtin_prefetch(&steps[scramble(character_step(nodes[i], symbols[i + n - 1])) & mask]);
    for (int64_t i = 0; i < here; i++) {
        uint32_t longer = find_near_step(steps, mask, character_step(nodes[i], symbols[i + n - 1]));
        nodes[i] = nodes[i] == NO_NODE ? NO_NODE : longer;
    }
    return here;
}

int64_t slugline_read_tokens(Scratch *scratch, const uint32_t *text, int64_t length, const uint8_t *classes) {
    return find_runs(scratch, text, length, classes, SPACE, 1, 1);
}

/* A token shorter than the shortest n-gram counts once, as it is; the n-grams of others do. */
Features slugline_features(const Family *family, Scratch *scratch, const uint32_t *letters, int64_t length) {
    int64_t size = length + 2, found = 0;
    int min_n = family->min_n, max_n = family->max_n;
    if (size < min_n) min_n = max_n = (int)size;
    int64_t room = size * (max_n - min_n + 1);
    if (room > scratch->list_room) {
        if (grow(&scratch->list, (size_t)room, sizeof *scratch->list)) return (Features){NULL, -1};
        scratch->list_room = room;
    }
    scratch->symbols[0] = scratch->symbols[size - 1] = ' ';
    memcpy(scratch->symbols + 1, letters, (size_t)length * sizeof *letters);
    for (int n = min_n < ROOT_LENGTH ? min_n : ROOT_LENGTH; n <= max_n; n++) {
        int64_t here = lengthen_characters(family, scratch, size, n);
        if (n < min_n) continue;
        for (int64_t i = 0; i < here; i++) {
            scratch->list[found] = scratch->nodes[i];
            found += scratch->nodes[i] < family->features;
        }
    }
    return (Features){scratch->list, found};
}

static inline MetToken *met_token(const Scratch *scratch, int64_t i) {
    return &scratch->met_tokens[hash_end(scratch->hashes[i]) & (MET_TOKENS - 1)];
}

void slugline_fetch_token(const Scratch *scratch, int64_t i) {
    const char *met = (const char *)met_token(scratch, i);
    for (size_t byte = 0; byte < sizeof(MetToken); byte += CACHE_LINE) __builtin_prefetch(met + byte);
}

const MetToken *slugline_met_token(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text,
                                   int64_t i) {
    int64_t start = scratch->starts[i], length = scratch->ends[i] - start;
    const uint16_t *letters = scratch->letters + start;
    MetToken *met = met_token(scratch, i);
    if (met->family == number + 1 && met->length == length && is_same(met->letters, letters, length)) return met;
    if (length > MEMORY_LETTERS) return NULL;
    met->family = 0;
    Features features = slugline_features(family, scratch, text + start, length);
    if (features.count < 0 || features.count > MEMORY_FEATURES || !keep_letters(met->letters, letters, length)) return NULL;
    met->family = (uint16_t)(number + 1);
    met->length = (uint8_t)length;
    met->features = (uint8_t)features.count;
    memcpy(met->list, features.features, (size_t)features.count * sizeof *features.features);
    return met;
}
