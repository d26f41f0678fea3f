/* Scoring: one pass over a document for each family of features, with nothing allocated once the scratch has grown.
 *
 * score(topic) = bias + sum over families of (sum of tf x idf x weight) / (Euclidean norm of tf x idf).
 * Features are numbered from the most frequent on, so that what most documents touch lies together in memory.
 */
#include <math.h>

#include "memory.h"
#include "tables.h"

#define LOGARITHMS 256
#define MEMORY_TOKENS 8192 /* a power of two */
#define MEMORY_LETTERS 12
#define MEMORY_FEATURES 36 /* 3- to 5-grams of the longest token remembered, and a few more */
#define AT_A_TIME 64       /* words or tokens that are looked up together */
#define AHEAD 12           /* how many pairs of words before its turn the slot of one is fetched */
#define CACHE_LINE 64

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

/* Something said at text[start] ... text[end - 1], and what it adds to each raw score. */
typedef struct {
    int64_t start, end;
    int32_t family, unused;
} Mention;

/* The features of a token met before: most tokens of a text are among a few thousand. */
typedef struct {
    uint32_t hash;
    int32_t family; /* counted from 1, 0 where nothing is remembered */
    uint16_t length, features;
    uint32_t letters[MEMORY_LETTERS];
    uint32_t list[MEMORY_FEATURES];
} Remembered;

typedef struct {
    int32_t topics;
    int64_t room, mentions_room, mentions;
    uint32_t *counts, *touched; /* by feature; counts are zero between families */
    uint32_t *symbols, *nodes;  /* of the words of a text, or of the characters of a token */
    int64_t *starts, *ends;     /* of the words of a text */
    uint32_t *list;             /* the features of a token */
    int64_t list_room;
    Remembered *memory;
    double *sums;
    double *values; /* topics x mentions */
    int64_t read, known; /* tokens of a family's text, and those of them that the vocabulary has */
    Mention *found;
    double frequencies[LOGARITHMS];
} Scratch;

typedef struct {
    const uint32_t *features; /* one number for each occurrence */
    int64_t count;            /* -1 where memory ran out */
} Features;

typedef struct {
    int64_t touched; /* how many features, -1 where memory ran out */
    double scale;    /* 1 / norm */
} Totals;

void slugline_scratch_free(Scratch *scratch) {
    if (!scratch) return;
    void *parts[] = {scratch->counts, scratch->touched, scratch->symbols, scratch->nodes,  scratch->starts, scratch->ends,
                     scratch->list,   scratch->memory,  scratch->sums,    scratch->values, scratch->found};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
    free(scratch);
}

Scratch *slugline_scratch_new(int64_t most_features, int32_t topics) {
    Scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch) return NULL;
    scratch->topics = topics;
    scratch->counts = calloc((size_t)most_features + 1, sizeof *scratch->counts);
    scratch->touched = malloc(((size_t)most_features + 1) * sizeof *scratch->touched);
    scratch->memory = calloc(MEMORY_TOKENS, sizeof *scratch->memory);
    scratch->sums = malloc((size_t)topics * sizeof *scratch->sums + 1);
    for (int i = 1; i < LOGARITHMS; i++) scratch->frequencies[i] = 1.0 + log(i);
    if (scratch->counts && scratch->touched && scratch->memory && scratch->sums) return scratch;
    slugline_scratch_free(scratch);
    return NULL;
}

/* Returns 0, or 1 where memory ran out. */
static int make_room(Scratch *scratch, int64_t length) {
    if (length + 2 <= scratch->room) return 0;
    size_t room = (size_t)length * 3 / 2 + 64;
    if (grow(&scratch->symbols, room, sizeof(uint32_t)) || grow(&scratch->nodes, room, sizeof(uint32_t)) ||
        grow(&scratch->starts, room, sizeof(int64_t)) || grow(&scratch->ends, room, sizeof(int64_t)))
        return 1;
    scratch->room = (int64_t)room;
    return 0;
}

static inline void count(const Family *family, Scratch *scratch, int64_t *touched, uint32_t feature) {
    /* Without a branch, which no processor could foretell. */
    scratch->touched[*touched] = feature;
    *touched += scratch->counts[feature]++ == 0;
    __builtin_prefetch(family->rows + (size_t)feature * (size_t)(1 + scratch->topics));
}

static inline double frequency(const Family *family, const Scratch *scratch, uint32_t times) {
    if (!family->sublinear) return times;
    return times < LOGARITHMS ? scratch->frequencies[times] : 1.0 + log(times);
}

/* From the hashes of the words `first` ... `last` - 1, in `symbols`, to their nodes. What a lookup reads is likely to lie
 * far from what the others do: so each step of all of them fetches what the next one reads. */
static void look_up(const Words *table, Scratch *scratch, const uint32_t *text, int64_t first, int64_t last) {
    uint32_t *symbols = scratch->symbols;
    for (int64_t i = first; i < last; i++) {
        uint32_t word = (uint32_t)table->slots[symbols[i] & table->mask];
        if (!word) continue;
        __builtin_prefetch(&table->ends[word - 1]);
        __builtin_prefetch(&table->nodes[word - 1]);
    }
    for (int64_t i = first; i < last; i++) {
        uint32_t word = (uint32_t)table->slots[symbols[i] & table->mask];
        if (word > 1) __builtin_prefetch(&table->letters[table->ends[word - 2]]);
    }
    for (int64_t i = first; i < last; i++) {
        int64_t at = scratch->starts[i];
        uint32_t word = find_word(table, symbols[i], text + at, scratch->ends[i] - at);
        symbols[i] = scratch->nodes[i] = word == NO_NODE ? NO_NODE : table->nodes[word];
        scratch->known += word != NO_NODE;
    }
}

/* Words: symbols[i] and nodes[i] become the node of the i-th word. */
static int64_t read_words(const Family *family, Scratch *scratch, const uint32_t *text, int64_t length,
                          const uint8_t *classes) {
    const Words *table = &family->words;
    int64_t words = 0, looked_up = 0, end = 0;
    for (int64_t at = next_word(text, length, classes, 0, &end); at < length;
         at = next_word(text, length, classes, end, &end)) {
        uint32_t hash = hash_word(text + at, end - at);
        __builtin_prefetch(&table->slots[hash & table->mask]);
        scratch->starts[words] = at;
        scratch->ends[words] = end;
        scratch->symbols[words++] = hash;
        if (words - looked_up < AT_A_TIME) continue;
        look_up(table, scratch, text, looked_up, words);
        looked_up = words;
    }
    look_up(table, scratch, text, looked_up, words);
    scratch->read += words;
    return words;
}

static inline uint64_t pair_step(const Scratch *scratch, int64_t i, int n) {
    return word_step(scratch->nodes[i], scratch->symbols[i + n - 1]);
}

/* From the n-grams of n - 1 words that begin at each word, in `nodes`, to those of n. Returns how many may exist. */
static int64_t lengthen_words(const Family *family, Scratch *scratch, int64_t words, int n) {
    uint32_t *nodes = scratch->nodes, *symbols = scratch->symbols;
    const Step *steps = family->steps;
    uint64_t mask = family->steps_mask;
    int64_t here = words - n + 1;
    for (int64_t i = 0; i < AHEAD && i < here; i++) __builtin_prefetch(&steps[scramble(pair_step(scratch, i, n)) & mask]);
    for (int64_t i = 0; i < here; i++) {
        if (i + AHEAD < here) __builtin_prefetch(&steps[scramble(pair_step(scratch, i + AHEAD, n)) & mask]);
        nodes[i] = nodes[i] == NO_NODE || symbols[i + n - 1] == NO_NODE
                       ? NO_NODE
                       : find_step(steps, mask, pair_step(scratch, i, n));
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
        for (int64_t i = 0; i < here; i++) nodes[i] = find_step(steps, mask, root_step(symbols + i, n));
        return here;
    }
    for (int64_t i = 0; i < here; i++)
        __builtin_prefetch(&steps[scramble(character_step(nodes[i], symbols[i + n - 1])) & mask]);
    for (int64_t i = 0; i < here; i++)
        if (nodes[i] != NO_NODE) nodes[i] = find_step(steps, mask, character_step(nodes[i], symbols[i + n - 1]));
    return here;
}

/* A token shorter than the shortest n-gram counts once, as it is; the n-grams of others do. */
static Features new_features(const Family *family, Scratch *scratch, const uint32_t *letters, int64_t length) {
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
        for (int64_t i = 0; i < here; i++)
            if (scratch->nodes[i] < family->features) scratch->list[found++] = scratch->nodes[i];
    }
    return (Features){scratch->list, found};
}

/* The features of a token, from memory if it has been met lately. */
static Features token_features(const Family *family, int32_t number, Scratch *scratch, uint32_t hash,
                               const uint32_t *letters, int64_t length) {
    if (length > MEMORY_LETTERS) return new_features(family, scratch, letters, length);
    Remembered *memory = &scratch->memory[hash & (MEMORY_TOKENS - 1)];
    if (memory->hash == hash && memory->family == number + 1 && memory->length == length &&
        memcmp(memory->letters, letters, (size_t)length * sizeof *letters) == 0)
        return (Features){memory->list, memory->features};
    Features features = new_features(family, scratch, letters, length);
    if (features.count < 0 || features.count > MEMORY_FEATURES) return features;
    memory->hash = hash;
    memory->family = number + 1;
    memory->length = (uint16_t)length;
    memory->features = (uint16_t)features.count;
    memcpy(memory->letters, letters, (size_t)length * sizeof *letters);
    memcpy(memory->list, features.features, (size_t)features.count * sizeof *features.features);
    return features;
}

static int64_t count_words(const Family *family, Scratch *scratch, const uint32_t *text, int64_t length,
                           const uint8_t *classes) {
    int64_t words = read_words(family, scratch, text, length, classes), here = words, touched = 0;
    for (int n = 1; n <= family->max_n; n++) {
        if (n > 1) here = lengthen_words(family, scratch, words, n);
        for (int64_t i = 0; n >= family->min_n && i < here; i++)
            if (scratch->nodes[i] < family->features) count(family, scratch, &touched, scratch->nodes[i]);
    }
    return touched;
}

static void fetch_memory(const Scratch *scratch, uint32_t hash) {
    const char *memory = (const char *)&scratch->memory[hash & (MEMORY_TOKENS - 1)];
    for (size_t byte = 0; byte < sizeof(Remembered); byte += CACHE_LINE) __builtin_prefetch(memory + byte);
}

static int64_t count_characters(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text,
                                int64_t length, const uint8_t *classes) {
    int64_t starts[AT_A_TIME], ends[AT_A_TIME], touched = 0, end = 0;
    uint32_t hashes[AT_A_TIME];
    int64_t at = next_token(text, length, classes, 0, &end);
    while (at < length) {
        int tokens = 0;
        for (; at < length && tokens < AT_A_TIME; at = next_token(text, length, classes, end, &end), tokens++) {
            starts[tokens] = at;
            ends[tokens] = end;
            hashes[tokens] = hash_word(text + at, end - at);
            fetch_memory(scratch, hashes[tokens]);
        }
        for (int t = 0; t < tokens; t++) {
            Features features =
                token_features(family, number, scratch, hashes[t], text + starts[t], ends[t] - starts[t]);
            if (features.count < 0) return -1;
            scratch->read++;
            scratch->known += features.count > 0;
            for (int64_t i = 0; i < features.count; i++) count(family, scratch, &touched, features.features[i]);
        }
    }
    return touched;
}

/* Adds a family's share to `scores`; the counts stay. */
static Totals add_family(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                         const uint8_t *classes, double *scores) {
    int topics = scratch->topics;
    Totals totals = {family->kind == WORDS ? count_words(family, scratch, text, length, classes)
                                           : count_characters(family, number, scratch, text, length, classes),
                     0.0};
    double squares = 0.0;
    memset(scratch->sums, 0, (size_t)topics * sizeof *scratch->sums);
    for (int64_t i = 0; i < totals.touched; i++) {
        uint32_t feature = scratch->touched[i];
        const double *row = family->rows + (size_t)feature * (size_t)(1 + topics);
        double tf = frequency(family, scratch, scratch->counts[feature]);
        squares += tf * row[0] * (tf * row[0]);
        for (int topic = 0; topic < topics; topic++) scratch->sums[topic] += tf * row[1 + topic];
    }
    totals.scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
    for (int topic = 0; topic < topics; topic++) scores[topic] += scratch->sums[topic] * totals.scale;
    return totals;
}

static void forget_counts(Scratch *scratch, int64_t touched) {
    for (int64_t i = 0; i < touched; i++) scratch->counts[scratch->touched[i]] = 0;
}

/* The score, 1 / (1 + exp(-raw score)), of `documents` texts that lie behind one another in `text`, ends[d] being the
 * end of text d. `all_scores` has documents x topics numbers; `tokens` has documents x 2: how many tokens the first
 * family read, and how many of them it knows. Returns 0, or 1 where memory ran out. */
int slugline_scores(const Model *model, Scratch *scratch, const uint32_t *text, const int64_t *ends, int64_t documents,
                    double *all_scores, int64_t *tokens) {
    int topics = scratch->topics;
    int64_t start = 0;
    for (int64_t d = 0; d < documents; d++) {
        double *scores = all_scores + d * topics;
        if (make_room(scratch, ends[d] - start)) return 1;
        memcpy(scores, model->biases, (size_t)topics * sizeof *scores);
        for (int32_t f = 0; f < model->family_count; f++) {
            const Family *family = &model->families[f];
            int64_t read = characters_read(family->lead, ends[d] - start);
            scratch->read = scratch->known = 0;
            Totals totals = add_family(family, f, scratch, text + start, read, model->classes, scores);
            if (totals.touched < 0) return 1;
            forget_counts(scratch, totals.touched);
            if (f > 0) continue;
            tokens[2 * d] = scratch->read;
            tokens[2 * d + 1] = scratch->known;
        }
        for (int topic = 0; topic < topics; topic++) scores[topic] = 1.0 / (1.0 + exp(-scores[topic]));
        start = ends[d];
    }
    return 0;
}

static double *new_mention(Scratch *scratch, int64_t start, int64_t end, int32_t family) {
    if (scratch->mentions == scratch->mentions_room) {
        size_t room = (size_t)scratch->mentions_room * 2 + 256;
        if (grow(&scratch->found, room, sizeof(Mention)) ||
            grow(&scratch->values, room * (size_t)scratch->topics + 1, sizeof(double)))
            return NULL;
        scratch->mentions_room = (int64_t)room;
    }
    scratch->found[scratch->mentions] = (Mention){start, end, family, 0};
    double *values = scratch->values + scratch->mentions++ * scratch->topics;
    memset(values, 0, (size_t)scratch->topics * sizeof *values);
    return values;
}

/* What one occurrence of a feature adds: its share of all the occurrences there are. */
static void add_occurrence(const Family *family, const Scratch *scratch, double scale, uint32_t feature, double *values) {
    uint32_t times = scratch->counts[feature];
    const double *row = family->rows + (size_t)feature * (size_t)(1 + scratch->topics);
    double share = frequency(family, scratch, times) * scale / times;
    for (int topic = 0; topic < scratch->topics; topic++) values[topic] += share * row[1 + topic];
}

static int mention_words(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                         const uint8_t *classes, double scale) {
    int64_t words = read_words(family, scratch, text, length, classes), here = words;
    for (int n = 1; n <= family->max_n; n++) {
        if (n > 1) here = lengthen_words(family, scratch, words, n);
        for (int64_t i = 0; n >= family->min_n && i < here; i++) {
            if (scratch->nodes[i] >= family->features) continue;
            double *values = new_mention(scratch, scratch->starts[i], scratch->ends[i + n - 1], number);
            if (!values) return 1;
            add_occurrence(family, scratch, scale, scratch->nodes[i], values);
        }
    }
    return 0;
}

static int mention_characters(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text,
                              int64_t length, const uint8_t *classes, double scale) {
    int64_t end = 0;
    for (int64_t at = next_token(text, length, classes, 0, &end); at < length;
         at = next_token(text, length, classes, end, &end)) {
        uint32_t hash = hash_word(text + at, end - at);
        Features features = token_features(family, number, scratch, hash, text + at, end - at);
        if (features.count == 0) continue;
        double *values = features.count < 0 ? NULL : new_mention(scratch, at, end, number);
        if (!values) return 1;
        for (int64_t i = 0; i < features.count; i++)
            add_occurrence(family, scratch, scale, features.features[i], values);
    }
    return 0;
}

/* Raw scores of one text, and the mentions that make them: bias + all mentions' values = raw score, for each topic.
 * The mentions lie in the scratch until its next use. Returns how many there are, or -1 where memory ran out. */
int64_t slugline_mentions(const Model *model, Scratch *scratch, const uint32_t *text, int64_t length, double *raw_scores,
                          const Mention **found, const double **values) {
    scratch->mentions = 0;
    const uint8_t *classes = model->classes;
    memcpy(raw_scores, model->biases, (size_t)scratch->topics * sizeof *raw_scores);
    if (make_room(scratch, length)) return -1;
    for (int32_t f = 0; f < model->family_count; f++) {
        const Family *family = &model->families[f];
        int64_t read = characters_read(family->lead, length);
        Totals totals = add_family(family, f, scratch, text, read, classes, raw_scores);
        if (totals.touched < 0) return -1;
        int failed = (family->kind == WORDS ? mention_words : mention_characters)(family, f, scratch, text, read, classes,
                                                                                  totals.scale);
        forget_counts(scratch, totals.touched);
        if (failed) return -1;
    }
    *found = scratch->found;
    *values = scratch->values;
    return scratch->mentions;
}
