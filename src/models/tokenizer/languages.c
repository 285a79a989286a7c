// Whisper's languages, in the order of their tokens, with the names and aliases its users know.
#include "models/tokenizer.h"

#include "base/attributes.h"
#include "base/str.h"

typedef struct Language {
    const char *code;
    const char *name;
} Language;

static const Language languages[] = {
    {"en", "english"},        {"zh", "chinese"},     {"de", "german"},        {"es", "spanish"},
    {"ru", "russian"},        {"ko", "korean"},      {"fr", "french"},        {"ja", "japanese"},
    {"pt", "portuguese"},     {"tr", "turkish"},     {"pl", "polish"},        {"ca", "catalan"},
    {"nl", "dutch"},          {"ar", "arabic"},      {"sv", "swedish"},       {"it", "italian"},
    {"id", "indonesian"},     {"hi", "hindi"},       {"fi", "finnish"},       {"vi", "vietnamese"},
    {"he", "hebrew"},         {"uk", "ukrainian"},   {"el", "greek"},         {"ms", "malay"},
    {"cs", "czech"},          {"ro", "romanian"},    {"da", "danish"},        {"hu", "hungarian"},
    {"ta", "tamil"},          {"no", "norwegian"},   {"th", "thai"},          {"ur", "urdu"},
    {"hr", "croatian"},       {"bg", "bulgarian"},   {"lt", "lithuanian"},    {"la", "latin"},
    {"mi", "maori"},          {"ml", "malayalam"},   {"cy", "welsh"},         {"sk", "slovak"},
    {"te", "telugu"},         {"fa", "persian"},     {"lv", "latvian"},       {"bn", "bengali"},
    {"sr", "serbian"},        {"az", "azerbaijani"}, {"sl", "slovenian"},     {"kn", "kannada"},
    {"et", "estonian"},       {"mk", "macedonian"},  {"br", "breton"},        {"eu", "basque"},
    {"is", "icelandic"},      {"hy", "armenian"},    {"ne", "nepali"},        {"mn", "mongolian"},
    {"bs", "bosnian"},        {"kk", "kazakh"},      {"sq", "albanian"},      {"sw", "swahili"},
    {"gl", "galician"},       {"mr", "marathi"},     {"pa", "punjabi"},       {"si", "sinhala"},
    {"km", "khmer"},          {"sn", "shona"},       {"yo", "yoruba"},        {"so", "somali"},
    {"af", "afrikaans"},      {"oc", "occitan"},     {"ka", "georgian"},      {"be", "belarusian"},
    {"tg", "tajik"},          {"sd", "sindhi"},      {"gu", "gujarati"},      {"am", "amharic"},
    {"yi", "yiddish"},        {"lo", "lao"},         {"uz", "uzbek"},         {"fo", "faroese"},
    {"ht", "haitian creole"}, {"ps", "pashto"},      {"tk", "turkmen"},       {"nn", "nynorsk"},
    {"mt", "maltese"},        {"sa", "sanskrit"},    {"lb", "luxembourgish"}, {"my", "myanmar"},
    {"bo", "tibetan"},        {"tl", "tagalog"},     {"mg", "malagasy"},      {"as", "assamese"},
    {"tt", "tatar"},          {"haw", "hawaiian"},   {"ln", "lingala"},       {"ha", "hausa"},
    {"ba", "bashkir"},        {"jw", "javanese"},    {"su", "sundanese"},     {"yue", "cantonese"},
};

// "jv" is the ISO 639-1 code of what Whisper calls "jw".
static const Language aliases[] = {
    {"my", "burmese"},   {"ca", "valencian"},     {"nl", "flemish"},
    {"ht", "haitian"},   {"lb", "letzeburgesch"}, {"ps", "pushto"},
    {"pa", "panjabi"},   {"ro", "moldavian"},     {"ro", "moldovan"},
    {"si", "sinhalese"}, {"es", "castilian"},     {"zh", "mandarin"},
    {"jw", "jv"},
};

size_t language_count(void)
{
    return BASE_COUNT(languages);
}

const char *language_code(size_t index)
{
    return index < BASE_COUNT(languages) ? languages[index].code : NULL;
}

const char *language_name(size_t index)
{
    return index < BASE_COUNT(languages) ? languages[index].name : NULL;
}

bool language_find(const char *code_or_name, size_t *index)
{
    if (!code_or_name) {
        return false;
    }
    const char *wanted = code_or_name;
    for (size_t i = 0; i < BASE_COUNT(aliases); i++) {
        if (str_equal_nocase(wanted, aliases[i].name)) {
            wanted = aliases[i].code;
            break;
        }
    }
    for (size_t i = 0; i < BASE_COUNT(languages); i++) {
        if (str_equal_nocase(wanted, languages[i].code) ||
            str_equal_nocase(wanted, languages[i].name)) {
            *index = i;
            return true;
        }
    }
    return false;
}
