/* Mentions: which places of a text add what to its raw scores. Here every feature is counted by itself. */
#include "memory.h"
#include "reading.h"

/* The number of a new mention, or -1 where memory ran out. */
static int64_t new_mention(Scratch *scratch, int64_t start, int64_t end, int32_t family) {
    if (scratch->mentions == scratch->mentions_room) {
        size_t room = (size_t)scratch->mentions_room * 2 + 256;
        if (grow(&scratch->found, room, sizeof(Mention)) ||
            grow(&scratch->values, room * (size_t)scratch->topics + 1, sizeof(double)))
            return -1;
        scratch->mentions_room = (int64_t)room;
    }
    scratch->found[scratch->mentions] = (Mention){start, end, family, 0};
    double *values = scratch->values + scratch->mentions * scratch->topics;
    memset(values, 0, (size_t)scratch->topics * sizeof *values);
    return scratch->mentions++;
}

/* Counts features that occur in a mention. Returns 0, or 1 where memory ran out. */
static int count(Scratch *scratch, int64_t *touched, int64_t mention, Features features) {
    if (mention < 0 || features.count < 0) return 1;
    if (scratch->occurrences + features.count > scratch->occurrences_room) {
        size_t room = (size_t)(scratch->occurrences_room * 2 + features.count + 1024);
        if (grow(&scratch->occurred, room, sizeof(Occurrence))) return 1;
        scratch->occurrences_room = (int64_t)room;
    }
    for (int64_t i = 0; i < features.count; i++) {
        uint32_t feature = features.features[i];
        scratch->occurred[scratch->occurrences++] = (Occurrence){feature, 0, mention};
        scratch->touched[*touched] = feature;
        *touched += scratch->counts[feature]++ == 0;
    }
    return 0;
}

static int mention_words(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text, int64_t length,
                         const uint8_t *classes, int64_t *touched) {
    int64_t words = slugline_read_words(family, number, scratch, text, length, classes), here = words;
    for (int n = 1; n <= family->max_n; n++) {
        if (n > 1) here = slugline_lengthen_words(family, scratch, words, n);
        for (int64_t i = 0; n >= family->min_n && i < here; i++) {
            if (scratch->nodes[i] >= family->features) continue;
            int64_t mention = new_mention(scratch, scratch->starts[i], scratch->ends[i + n - 1], number);
            if (count(scratch, touched, mention, (Features){&scratch->nodes[i], 1})) return 1;
        }
    }
    return 0;
}

static int mention_characters(const Family *family, int32_t number, Scratch *scratch, const uint32_t *text,
                              int64_t length, const uint8_t *classes, int64_t *touched) {
    int64_t tokens = slugline_read_tokens(scratch, text, length, classes);
    for (int64_t i = 0; i < tokens; i++) {
        int64_t start = scratch->starts[i], end = scratch->ends[i];
        Features features = slugline_features(family, scratch, text + start, end - start);
        if (features.count == 0) continue;
        if (count(scratch, touched, new_mention(scratch, start, end, number), features)) return 1;
    }
    return 0;
}

/* From counts to shares of the raw scores: the same sum for every feature, split among its occurrences. */
static void share_out(const Family *family, Scratch *scratch, int64_t touched, double *raw_scores) {
    int topics = scratch->topics;
    double squares = 0.0;
    for (int64_t i = 0; i < touched; i++) {
        uint32_t feature = scratch->touched[i];
        double value = frequency(family, scratch, scratch->counts[feature]) * row_of(family, scratch->topics, feature)[0];
        squares += value * value;
    }
    double scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
    for (int64_t i = 0; i < scratch->occurrences; i++) {
        Occurrence one = scratch->occurred[i];
        const double *row = row_of(family, scratch->topics, one.feature);
        double *values = scratch->values + one.mention * topics;
        uint32_t times = scratch->counts[one.feature];
        double share = frequency(family, scratch, times) * scale / times;
        for (int topic = 0; topic < topics; topic++) {
            values[topic] += share * row[1 + topic];
            raw_scores[topic] += share * row[1 + topic];
        }
    }
}

/* Raw scores of one text, and the mentions that make them: bias + all mentions' values = raw score, for each topic.
 * The mentions lie in the scratch until its next use. Returns how many there are, or -1 where memory ran out. */
int64_t slugline_mentions(const Model *model, Scratch *scratch, const uint32_t *text, int64_t length, double *raw_scores,
                          const Mention **found, const double **values) {
    const uint8_t *classes = model->classes;
    int failed = slugline_begin(scratch, text, length);
    scratch->mentions = 0;
    memcpy(raw_scores, model->biases, (size_t)scratch->topics * sizeof *raw_scores);
    for (int32_t f = 0; f < model->family_count && !failed; f++) {
        const Family *family = &model->families[f];
        int64_t read = characters_read(family->lead, length), touched = 0;
        scratch->occurrences = 0;
        failed = (family->kind == WORDS ? mention_words : mention_characters)(family, f, scratch, text, read, classes,
                                                                              &touched);
        if (!failed) share_out(family, scratch, touched, raw_scores);
        for (int64_t i = 0; i < touched; i++) scratch->counts[scratch->touched[i]] = 0;
    }
    *found = scratch->found;
    *values = scratch->values;
    return failed ? -1 : scratch->mentions;
}
