/* Scoring: one pass over a document for each family of features, with nothing allocated once the scratch has grown.
 *
 * score(topic) = bias + sum over families of (sum of tf x idf x weight) / (Euclidean norm of tf x idf).
 * Features are numbered from the most frequent on, so that what most documents touch lies together in memory.
 */
#include "score.h"

#define FEW 3   /* topics, as the shipped model has */
#define AHEAD 8 /* how many tokens before its turn what one needs is fetched */

static void count(const Family *family, Scratch *scratch, const uint32_t *features, int64_t many) {
    int64_t touched = scratch->touched_count;
    for (int64_t i = 0; i < many; i++) {
        uint32_t feature = features[i];
        scratch->touched[touched] = feature;
        touched += scratch->counts[feature]++ == 0;
        __builtin_prefetch(row_of(family, scratch->topics, feature));
    }
    scratch->touched_count = touched;
}

static void count_words(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                        const uint8_t *classes) {
    int64_t words = slugline_read_words(family, number, scratch, text, length, classes), here = words;
    for (int n = 1; n <= family->max_n; n++) {
        if (n > 1) here = slugline_lengthen_words(family, scratch, words, n);
        for (int64_t i = 0, gathered = 0; n >= family->min_n && i < here; i++) {
            scratch->gathered[gathered] = scratch->nodes[i];
            gathered += scratch->nodes[i] < family->features;
            if (gathered < AT_ONCE && i + 1 < here) continue;
            count(family, scratch, scratch->gathered, gathered);
            gathered = 0;
        }
    }
}

/* Returns 0, or 1 where memory ran out. */
static int count_characters(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                            const uint8_t *classes) {
    int64_t tokens = slugline_read_tokens(scratch, text, length, classes), gathered = 0;
    for (int64_t i = 0; i < AHEAD && i < tokens; i++) slugline_fetch_token(scratch, i);
    for (int64_t i = 0; i < tokens; i++) {
        if (i + AHEAD < tokens) slugline_fetch_token(scratch, i + AHEAD);
        const MetToken *met = slugline_met_token(family, number, scratch, text, i);
        if (met) {
            /* All that may be there, since a loop of as many as there are would end where nothing foretells it. */
            memcpy(scratch->gathered + gathered, met->list, sizeof met->list);
            gathered += met->features;
            scratch->known += met->features > 0;
        } else {
            const uint32_t *letters = text + scratch->starts[i];
            Features features = slugline_features(family, scratch, letters, scratch->ends[i] - scratch->starts[i]);
            if (features.count < 0) return 1;
            count(family, scratch, features.features, features.count);
            scratch->known += features.count > 0;
        }
        if (gathered < AT_ONCE && i + 1 < tokens) continue;
        count(family, scratch, scratch->gathered, gathered);
        gathered = 0;
    }
    scratch->read += tokens;
    return 0;
}

/* Sums tf x idf x weight of all that was counted, and forgets the counts. Returns the sum of the squares of tf x idf.
 * For FEW topics the compiler knows how many sums there are, and keeps them in registers. */
static inline double weigh(const Family *family, Scratch *scratch, int topics, double *sums) {
    double squares = 0.0;
    for (int topic = 0; topic < topics; topic++) sums[topic] = 0.0;
    for (int64_t i = 0; i < scratch->touched_count; i++) {
        uint32_t feature = scratch->touched[i];
        const double *row = row_of(family, topics, feature);
        double tf = frequency(family, scratch, scratch->counts[feature]);
        squares += tf * row[0] * (tf * row[0]);
        for (int topic = 0; topic < topics; topic++) sums[topic] += tf * row[1 + topic];
        scratch->counts[feature] = 0;
    }
    return squares;
}

/* Adds a family's share to `scores`. Returns 0, or 1 where memory ran out. */
static int add_family(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                      const uint8_t *classes, double *scores) {
    int topics = scratch->topics, failed = 0;
    scratch->touched_count = 0;
    if (family->kind == WORDS)
        count_words(family, number, scratch, text, length, classes);
    else
        failed = count_characters(family, number, scratch, text, length, classes);
    double few[FEW], *sums = topics == FEW ? few : scratch->sums;
    double squares = topics == FEW ? weigh(family, scratch, FEW, few) : weigh(family, scratch, topics, sums);
    double scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
    for (int topic = 0; topic < topics; topic++) scores[topic] += sums[topic] * scale;
    return failed;
}

int slugline_scores(const Model *model, Scratch *scratch, const uint32_t *text, const int64_t *ends, int64_t documents,
                    double *all_scores, int64_t *tokens) {
    int topics = scratch->topics;
    int64_t start = 0;
    for (int64_t d = 0; d < documents; d++) {
        double *scores = all_scores + d * topics;
        if (slugline_begin(scratch, text + start, ends[d] - start)) return 1;
        memcpy(scores, model->biases, (size_t)topics * sizeof *scores);
        for (int32_t f = 0; f < model->family_count; f++) {
            const Family *family = &model->families[f];
            int64_t read = characters_read(family->lead, ends[d] - start);
            scratch->read = scratch->known = 0;
            if (add_family(family, f, scratch, text + start, read, model->classes, scores)) return 1;
            if (f > 0) continue;
            tokens[2 * d] = scratch->read;
            tokens[2 * d + 1] = scratch->known;
        }
        for (int topic = 0; topic < topics; topic++) scores[topic] = 1.0 / (1.0 + exp(-scores[topic]));
        start = ends[d];
    }
    return 0;
}
