/* Vocabularies that grow: counting the n-grams of a corpus, and laying out the tables that scoring reads.
 *
 * Both number n-grams in the order they are met. Functions return 0, or 1 where memory ran out.
 */
#include "memory.h"
#include "tables.h"

typedef struct {
    int32_t kind, min_n, max_n;
    int64_t lead;
    Step *steps;
    uint64_t steps_mask, steps_used;
    uint64_t *slots; /* of words */
    uint64_t slots_mask;
    uint32_t words, words_room, *ends, *word_nodes;
    uint32_t letters_room, *letters;
    uint32_t nodes, nodes_room;
    uint32_t *parents, *articles, *counts; /* by node; `articles` is how many documents have it */
    uint64_t *keys; /* the step from the parent: its word, or its characters */
    uint32_t *touched;
    uint32_t *path; /* the nodes of a document's words, or the symbols of a token */
    int64_t path_room;
    int64_t rows, rows_room, *row_ends;
    int64_t entries, entries_room;
    uint32_t *columns, *times;
} Vocabulary;

static int new_steps(Vocabulary *vocabulary, uint64_t room) {
    Step *old = vocabulary->steps;
    uint64_t old_room = old ? vocabulary->steps_mask + 1 : 0;
    vocabulary->steps = malloc(room * sizeof(Step));
    if (!vocabulary->steps) {
        vocabulary->steps = old;
        return 1;
    }
    memset(vocabulary->steps, 0xFF, room * sizeof(Step));
    vocabulary->steps_mask = room - 1;
    for (uint64_t i = 0; i < old_room; i++) {
        if (old[i].key == NO_KEY) continue;
        uint64_t slot = scramble(old[i].key) & vocabulary->steps_mask;
        while (vocabulary->steps[slot].key != NO_KEY) slot = (slot + 1) & vocabulary->steps_mask;
        vocabulary->steps[slot] = old[i];
    }
    free(old);
    return 0;
}

static int new_slots(Vocabulary *vocabulary, uint64_t room) {
    uint64_t *old = vocabulary->slots, old_room = old ? vocabulary->slots_mask + 1 : 0;
    vocabulary->slots = calloc(room, sizeof *old);
    if (!vocabulary->slots) {
        vocabulary->slots = old;
        return 1;
    }
    vocabulary->slots_mask = room - 1;
    for (uint64_t i = 0; i < old_room; i++) {
        if (!old[i]) continue;
        uint64_t slot = old[i] >> 32 & vocabulary->slots_mask;
        while (vocabulary->slots[slot]) slot = (slot + 1) & vocabulary->slots_mask;
        vocabulary->slots[slot] = old[i];
    }
    free(old);
    return 0;
}

void slugline_vocabulary_free(Vocabulary *vocabulary) {
    if (!vocabulary) return;
    void *parts[] = {vocabulary->steps, vocabulary->slots, vocabulary->ends, vocabulary->word_nodes, vocabulary->letters,
                     vocabulary->parents, vocabulary->articles, vocabulary->counts, vocabulary->keys, vocabulary->touched,
                     vocabulary->path, vocabulary->row_ends, vocabulary->columns, vocabulary->times};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
    free(vocabulary);
}

Vocabulary *slugline_vocabulary_new(int32_t kind, int32_t min_n, int32_t max_n, int64_t lead) {
    Vocabulary *vocabulary = calloc(1, sizeof *vocabulary);
    if (!vocabulary) return NULL;
    vocabulary->kind = kind;
    vocabulary->min_n = min_n;
    vocabulary->max_n = max_n;
    vocabulary->lead = lead;
    if (new_steps(vocabulary, 64) || new_slots(vocabulary, 64)) {
        slugline_vocabulary_free(vocabulary);
        return NULL;
    }
    return vocabulary;
}

static uint32_t add_node(Vocabulary *vocabulary, uint32_t parent, uint64_t key) {
    if (vocabulary->nodes == vocabulary->nodes_room) {
        size_t room = (size_t)vocabulary->nodes_room * 2 + 1024;
        if (room >= NO_NODE || grow(&vocabulary->parents, room, sizeof(uint32_t)) ||
            grow(&vocabulary->articles, room, sizeof(uint32_t)) || grow(&vocabulary->counts, room, sizeof(uint32_t)) ||
            grow(&vocabulary->keys, room, sizeof(uint64_t)) || grow(&vocabulary->touched, room, sizeof(uint32_t)))
            return NO_NODE;
        vocabulary->nodes_room = (uint32_t)room;
    }
    uint32_t node = vocabulary->nodes++;
    vocabulary->parents[node] = parent;
    vocabulary->keys[node] = key;
    vocabulary->articles[node] = vocabulary->counts[node] = 0;
    return node;
}

static Words words_of(const Vocabulary *vocabulary) {
    return (Words){vocabulary->slots, vocabulary->slots_mask, vocabulary->ends, vocabulary->letters,
                   vocabulary->word_nodes};
}

/* The number of a word, new or known; a new one has no node yet. NO_NODE where memory ran out. */
static uint32_t add_word(Vocabulary *vocabulary, const uint32_t *letters, int64_t length) {
    Words known = words_of(vocabulary);
    uint32_t word = find_word(&known, hash_word(letters, length), letters, length);
    if (word != NO_NODE) return word;
    uint32_t start = vocabulary->words ? vocabulary->ends[vocabulary->words - 1] : 0;
    if (vocabulary->words == vocabulary->words_room) {
        size_t room = (size_t)vocabulary->words_room * 2 + 1024;
        if (grow(&vocabulary->ends, room, sizeof(uint32_t)) || grow(&vocabulary->word_nodes, room, sizeof(uint32_t)))
            return NO_NODE;
        vocabulary->words_room = (uint32_t)room;
    }
    if ((uint64_t)start + (uint64_t)length > vocabulary->letters_room) {
        uint64_t room = ((uint64_t)start + (uint64_t)length) * 2 + 1024;
        if (room > UINT32_MAX || grow(&vocabulary->letters, room, sizeof(uint32_t))) return NO_NODE;
        vocabulary->letters_room = (uint32_t)room;
    }
    if ((vocabulary->words + 1ULL) * 2 > vocabulary->slots_mask && new_slots(vocabulary, (vocabulary->slots_mask + 1) * 2))
        return NO_NODE;
    memcpy(vocabulary->letters + start, letters, (size_t)length * sizeof *letters);
    word = vocabulary->words++;
    vocabulary->ends[word] = start + (uint32_t)length;
    vocabulary->word_nodes[word] = NO_NODE;
    uint64_t hash = hash_word(letters, length), slot = hash & vocabulary->slots_mask;
    while (vocabulary->slots[slot]) slot = (slot + 1) & vocabulary->slots_mask;
    vocabulary->slots[slot] = hash << 32 | (word + 1ULL);
    return word;
}

/* The node of a word by itself. */
static uint32_t word_node(Vocabulary *vocabulary, const uint32_t *letters, int64_t length) {
    uint32_t word = add_word(vocabulary, letters, length);
    if (word == NO_NODE) return NO_NODE;
    if (vocabulary->word_nodes[word] == NO_NODE) vocabulary->word_nodes[word] = add_node(vocabulary, NO_NODE, word);
    return vocabulary->word_nodes[word];
}

static int put_step(Vocabulary *vocabulary, uint64_t key, uint32_t node) {
    if ((vocabulary->steps_used + 1) * 10 > vocabulary->steps_mask * 7 &&
        new_steps(vocabulary, (vocabulary->steps_mask + 1) * 2))
        return 1;
    uint64_t slot = scramble(key) & vocabulary->steps_mask;
    while (vocabulary->steps[slot].key != NO_KEY) slot = (slot + 1) & vocabulary->steps_mask;
    vocabulary->steps[slot] = (Step){key, node};
    vocabulary->steps_used++;
    return 0;
}

/* The node that a step leads to, new or known. */
static uint32_t take_step(Vocabulary *vocabulary, uint32_t parent, uint64_t key) {
    uint32_t node = find_step(vocabulary->steps, vocabulary->steps_mask, key);
    if (node != NO_NODE) return node;
    node = add_node(vocabulary, parent, key);
    return node == NO_NODE || put_step(vocabulary, key, node) ? NO_NODE : node;
}

/* ---- Counting a corpus ---- */

static void count(Vocabulary *vocabulary, int64_t *touched, uint32_t node) {
    if (vocabulary->counts[node]++ == 0) vocabulary->touched[(*touched)++] = node;
}

static int count_words(Vocabulary *vocabulary, const uint32_t *text, int64_t length, const uint8_t *classes,
                       int64_t *touched) {
    int64_t words = 0, end = 0;
    for (int64_t at = next_word(text, length, classes, 0, &end); at < length;
         at = next_word(text, length, classes, end, &end)) {
        uint32_t node = word_node(vocabulary, text + at, end - at);
        if (node == NO_NODE) return 1;
        vocabulary->path[words++] = node;
    }
    for (int64_t i = 0; i < words; i++) {
        uint32_t node = vocabulary->path[i];
        if (vocabulary->min_n <= 1) count(vocabulary, touched, node);
        for (int n = 2; n <= vocabulary->max_n && i + n <= words; n++) {
            node = take_step(vocabulary, node, word_step(node, vocabulary->path[i + n - 1]));
            if (node == NO_NODE) return 1;
            if (n >= vocabulary->min_n) count(vocabulary, touched, node);
        }
    }
    return 0;
}

static int count_token(Vocabulary *vocabulary, const uint32_t *symbols, int64_t size, int64_t *touched) {
    int min_n = vocabulary->min_n, max_n = vocabulary->max_n;
    if (size < min_n) min_n = max_n = (int)size;
    for (int64_t i = 0; i + min_n <= size; i++) {
        uint32_t node = NO_NODE;
        for (int n = min_n < ROOT_LENGTH ? min_n : ROOT_LENGTH; n <= max_n && i + n <= size; n++) {
            node = n <= ROOT_LENGTH ? take_step(vocabulary, NO_NODE, root_step(symbols + i, n))
                                    : take_step(vocabulary, node, character_step(node, symbols[i + n - 1]));
            if (node == NO_NODE) return 1;
            if (n >= min_n) count(vocabulary, touched, node);
        }
    }
    return 0;
}

static int count_characters(Vocabulary *vocabulary, const uint32_t *text, int64_t length, const uint8_t *classes,
                            int64_t *touched) {
    int64_t end = 0;
    vocabulary->path[0] = ' ';
    for (int64_t at = next_token(text, length, classes, 0, &end); at < length;
         at = next_token(text, length, classes, end, &end)) {
        memcpy(vocabulary->path + 1, text + at, (size_t)(end - at) * sizeof *text);
        vocabulary->path[end - at + 1] = ' ';
        if (count_token(vocabulary, vocabulary->path, end - at + 2, touched)) return 1;
    }
    return 0;
}

static int add_row(Vocabulary *vocabulary, int64_t touched) {
    if (vocabulary->rows == vocabulary->rows_room) {
        vocabulary->rows_room = vocabulary->rows_room * 2 + 1024;
        if (grow(&vocabulary->row_ends, (size_t)vocabulary->rows_room, sizeof(int64_t))) return 1;
    }
    if (vocabulary->entries + touched > vocabulary->entries_room) {
        int64_t room = (vocabulary->entries + touched) * 2;
        if (grow(&vocabulary->columns, (size_t)room, sizeof(uint32_t)) ||
            grow(&vocabulary->times, (size_t)room, sizeof(uint32_t)))
            return 1;
        vocabulary->entries_room = room;
    }
    for (int64_t i = 0; i < touched; i++) {
        uint32_t node = vocabulary->touched[i];
        vocabulary->columns[vocabulary->entries] = node;
        vocabulary->times[vocabulary->entries++] = vocabulary->counts[node];
        vocabulary->counts[node] = 0;
        vocabulary->articles[node]++;
    }
    vocabulary->row_ends[vocabulary->rows++] = vocabulary->entries;
    return 0;
}

/* Counts texts that lie behind one another in `text`, ends[d] being the end of text d. */
int slugline_vocabulary_count(Vocabulary *vocabulary, const uint8_t *classes, const uint32_t *text, const int64_t *ends,
                              int64_t documents) {
    int64_t start = 0;
    for (int64_t d = 0; d < documents; start = ends[d++]) {
        int64_t length = characters_read(vocabulary->lead, ends[d] - start), touched = 0;
        if (length + 2 > vocabulary->path_room) {
            vocabulary->path_room = length * 2 + 1024;
            if (grow(&vocabulary->path, (size_t)vocabulary->path_room, sizeof(uint32_t))) return 1;
        }
        if ((vocabulary->kind == WORDS ? count_words : count_characters)(vocabulary, text + start, length, classes, &touched) ||
            add_row(vocabulary, touched))
            return 1;
    }
    return 0;
}

/* ---- Matrices ---- */

#define DIGIT_BITS 10
#define DIGITS (1 << DIGIT_BITS)

/* Sorts pairs of column << 32 | count by column, one digit after the other. */
static void sort_row(uint64_t *pairs, uint64_t *aside, int64_t size, int column_bits) {
    for (int shift = 32; shift < 32 + column_bits; shift += DIGIT_BITS) {
        int64_t starts[DIGITS + 1] = {0};
        for (int64_t i = 0; i < size; i++) starts[(pairs[i] >> shift & (DIGITS - 1)) + 1]++;
        for (int digit = 0; digit < DIGITS; digit++) starts[digit + 1] += starts[digit];
        for (int64_t i = 0; i < size; i++) aside[starts[pairs[i] >> shift & (DIGITS - 1)]++] = pairs[i];
        memcpy(pairs, aside, (size_t)size * sizeof *pairs);
    }
}

/* Writes the counted rows as a sparse matrix whose rows are sorted by column. column_of[number] is the column of an
 * n-gram, -1 for none; `starts` has room for one number more than there are rows, `columns` and `times` for all entries
 * that are kept. */
int slugline_vocabulary_matrix(const Vocabulary *vocabulary, const int32_t *column_of, int32_t column_bits,
                               int64_t *starts, int32_t *columns, double *times) {
    int64_t longest = 0, from = 0, kept = 0;
    for (int64_t row = 0; row < vocabulary->rows; from = vocabulary->row_ends[row++])
        if (vocabulary->row_ends[row] - from > longest) longest = vocabulary->row_ends[row] - from;
    uint64_t *pairs = malloc((size_t)(2 * longest + 1) * sizeof *pairs);
    if (!pairs) return 1;
    starts[0] = from = 0;
    for (int64_t row = 0; row < vocabulary->rows; from = vocabulary->row_ends[row++]) {
        int64_t size = 0;
        for (int64_t i = from; i < vocabulary->row_ends[row]; i++) {
            int32_t column = column_of[vocabulary->columns[i]];
            if (column >= 0) pairs[size++] = (uint64_t)column << 32 | vocabulary->times[i];
        }
        sort_row(pairs, pairs + longest, size, column_bits);
        for (int64_t i = 0; i < size; i++, kept++) {
            columns[kept] = (int32_t)(pairs[i] >> 32);
            times[kept] = (double)(uint32_t)pairs[i];
        }
        starts[row + 1] = kept;
    }
    free(pairs);
    return 0;
}

/* ---- Spelling n-grams ---- */

static int64_t spell(const Vocabulary *vocabulary, uint32_t node, uint32_t *out) {
    uint32_t parent = vocabulary->parents[node];
    uint64_t key = vocabulary->keys[node];
    int64_t size = 0;
    if (vocabulary->kind == WORDS) {
        if (parent != NO_NODE) {
            size = spell(vocabulary, parent, out);
            if (out) out[size] = ' ';
            size++;
            key = vocabulary->keys[(uint32_t)key]; /* the step holds the node of the word */
        }
        uint32_t start = key ? vocabulary->ends[key - 1] : 0, letters = vocabulary->ends[key] - start;
        if (out) memcpy(out + size, vocabulary->letters + start, letters * sizeof *out);
        return size + letters;
    }
    if (key & STEP_FLAG) {
        size = spell(vocabulary, parent, out);
        if (out) out[size] = (uint32_t)(key & ((1U << SYMBOL_BITS) - 1)) - 1;
        return size + 1;
    }
    for (; key; key >>= SYMBOL_BITS, size++)
        if (out) out[size] = (uint32_t)(key & ((1U << SYMBOL_BITS) - 1)) - 1;
    return size;
}

/* Writes the n-grams of `nodes` behind one another into `letters` and where each ends into `ends`. Where `letters` is
 * NULL only their ends are written. */
void slugline_vocabulary_spell(const Vocabulary *vocabulary, const uint32_t *nodes, int64_t count, uint32_t *letters,
                               int64_t *ends) {
    int64_t size = 0;
    for (int64_t i = 0; i < count; i++) {
        size += spell(vocabulary, nodes[i], letters ? letters + size : NULL);
        ends[i] = size;
    }
}

/* ---- Laying out known n-grams ---- */

static uint32_t end_of_word(const uint32_t *term, int64_t length) {
    uint32_t end = 0;
    while (end < length && term[end] != ' ') end++;
    return end;
}

static int lay_words(Vocabulary *vocabulary, const uint32_t *term, int64_t length, uint32_t node) {
    uint32_t end = end_of_word(term, length), parent;
    if (end == length) {
        uint32_t word = add_word(vocabulary, term, length);
        if (word != NO_NODE) vocabulary->word_nodes[word] = node;
        return word == NO_NODE;
    }
    parent = word_node(vocabulary, term, end);
    while (parent != NO_NODE && end < length) {
        term += end + 1;
        length -= end + 1;
        end = end_of_word(term, length);
        uint32_t word = word_node(vocabulary, term, end);
        if (word == NO_NODE) return 1;
        uint64_t key = word_step(parent, word);
        if (end == length) return put_step(vocabulary, key, node);
        parent = take_step(vocabulary, parent, key);
    }
    return 1;
}

static int lay_characters(Vocabulary *vocabulary, const uint32_t *term, int64_t length, uint32_t node) {
    int n = length < ROOT_LENGTH ? (int)length : ROOT_LENGTH;
    uint64_t key = root_step(term, n);
    uint32_t parent;
    for (; n < length; n++) {
        parent = take_step(vocabulary, NO_NODE, key);
        if (parent == NO_NODE) return 1;
        key = character_step(parent, term[n]);
    }
    return put_step(vocabulary, key, node);
}

/* Lays out `terms` n-grams, shorter ones first, n-gram i getting node numbers[i]; prefixes get the nodes after them. */
int slugline_vocabulary_lay(Vocabulary *vocabulary, const uint32_t *letters, const int64_t *ends, const uint32_t *numbers,
                            int64_t terms) {
    int64_t start = 0;
    for (int64_t i = 0; i < terms; i++)
        if (add_node(vocabulary, NO_NODE, 0) == NO_NODE) return 1;
    for (int64_t i = 0; i < terms; start = ends[i++])
        if ((vocabulary->kind == WORDS ? lay_words : lay_characters)(vocabulary, letters + start, ends[i] - start,
                                                                     numbers[i]))
            return 1;
    return 0;
}
