// Polished text as people see it: replacements, spoken commands, joins, numbers, masks; in many
// languages. Every utterance is also given piece by piece, and what is settled must stay.
#include "speech/polish.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/buffer.h"

static PolishRules *rules;
static Polish *polish;

static void close_polish(void)
{
    polish_free(polish);
    polish_rules_free(rules);
    polish = NULL;
    rules = NULL;
}

static void open_polish(const ScoutTextOptions *options)
{
    ScoutError error = {.message = ""};
    close_polish();
    if (polish_rules_new(options, &rules, &error) != SCOUT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(polish_new(rules, &polish, NULL), SCOUT_OK);
}

static void open_dictation(const char *language)
{
    open_polish(&(ScoutTextOptions){.language = language, .commands = 1});
}

static int teardown(void **state)
{
    (void)state;
    close_polish();
    return 0;
}

// Gives the utterance with its settled part growing byte by byte, then whole.
static PolishText say(const char *raw)
{
    static char settled[4096];
    size_t settled_length = 0, events = 0;
    const size_t length = strlen(raw);
    PolishText text;
    for (size_t cut = 0; cut <= length; cut++) {
        assert_int_equal(polish_partial(polish, raw, cut, raw + cut, length - cut, &text, NULL),
                         SCOUT_OK);
        if (text.settled_bytes < settled_length)
            fail_msg("settled text shrank at byte %zu of: %s", cut, raw);
        assert_true(text.settled_bytes < sizeof settled);
        assert_true(text.length >= text.settled_bytes && text.event_count >= events);
        assert_memory_equal(text.text, settled, settled_length);
        memcpy(settled, text.text, text.settled_bytes);
        settled_length = text.settled_bytes;
        events = text.event_count;
    }
    assert_int_equal(polish_final(polish, raw, length, &text, NULL), SCOUT_OK);
    assert_true(text.length >= settled_length && text.event_count >= events);
    assert_int_equal(text.settled_bytes, text.length);
    assert_memory_equal(text.text, settled, settled_length);
    return text;
}

// Applies the utterance to the page, as who types it does.
static void type(Buffer *page, const PolishText *text)
{
    size_t at = 0;
    for (size_t i = 0; i < text->event_count; i++) {
        const PolishEvent *event = &text->events[i];
        assert_true(event->at_bytes >= at && event->at_bytes <= text->length);
        assert_true(buffer_append(page, text->text + at, event->at_bytes - at));
        at = event->at_bytes;
        if (event->type != POLISH_TAKE_BACK)
            continue;
        assert_true(event->bytes > 0 && event->bytes <= page->length);
        size_t characters = 0;
        for (size_t b = page->length - event->bytes; b < page->length; b++)
            characters += ((unsigned char)page->data[b] & 0xC0) != 0x80;
        assert_int_equal(characters, event->characters);
        page->length -= event->bytes;
        page->data[page->length] = '\0';
    }
    assert_true(buffer_append(page, text->text + at, text->length - at));
}

// Utterances with | between them, on a new page, give the expected page.
static void expect(const char *utterances, const char *expected)
{
    Buffer page;
    buffer_init(&page, 1 << 16);
    char raw[1024];
    polish_new_page(polish);
    for (const char *at = utterances;;) {
        const size_t length = strcspn(at, "|");
        assert_true(length < sizeof raw);
        memcpy(raw, at, length);
        raw[length] = '\0';
        const PolishText text = say(raw);
        type(&page, &text);
        if (!at[length])
            break;
        at += length + 1;
    }
    if (strcmp(buffer_text(&page), expected) != 0)
        print_message("heard: %s\n", utterances);
    assert_string_equal(buffer_text(&page), expected);
    buffer_done(&page);
}

// ------------------------------------------------------------------------------------------- joins

static void utterances_are_joined(void **state)
{
    (void)state;
    open_polish(NULL);
    expect(" Hello world.| How are you?", "Hello world. How are you?");
    expect(" hello world.| how are you?", "Hello world. How are you?");
    expect(" Apples,| And pears", "Apples, and pears");
    expect(" I went| To the shop", "I went to the shop");
    expect(" I went with| Peter", "I went with Peter");
    expect(" and| I", "And I");
    expect(" we met| NASA", "We met NASA");
    expect("| Hello|", "Hello");
    expect(" see (|this)", "See (this)");
    expect(" one  two", "One two");
    expect(" Wait...| And then", "Wait... And then");
    expect(" Wait| ...and then", "Wait ...and then");
    expect(" use iPhone.| iPhone is", "Use iPhone. iPhone is");
    expect(" it costs| , they say", "It costs, they say");
    expect(" end. \"Quoted.\"| next", "End. \"Quoted.\" Next");
}

static void a_join_is_told(void **state)
{
    (void)state;
    open_polish(NULL);
    assert_int_equal(say(" One.").join_bytes, 0);
    const PolishText text = say(" Two.");
    assert_int_equal(text.join_bytes, 1);
    assert_string_equal(text.text, " Two.");
}

static void scripts_without_spaces_have_none(void **state)
{
    (void)state;
    open_polish(NULL);
    expect("你好。|世界", "你好。世界");
    expect("こんにちは|世界です", "こんにちは世界です");
    expect("สวัสดี|ครับ", "สวัสดีครับ");
    expect("안녕|하세요", "안녕 하세요");
    expect("我用|Linux", "我用Linux");
}

static void capitals_are_learned(void **state)
{
    (void)state;
    open_polish(NULL);
    expect(" the big tree stood.| We saw the| Tree there", "The big tree stood. We saw the tree "
                                                           "there");
    expect(" we know Will from there.| We like| Will best",
           "We know Will from there. We like Will best");
}

static void german_nouns_keep_their_capital(void **state)
{
    (void)state;
    open_dictation("de");
    expect(" das essen schmeckt.| Wir mögen| Essen", "Das essen schmeckt. Wir mögen Essen");
    expect(" Wir gehen,| Und dann", "Wir gehen, und dann");
}

// ------------------------------------------------------------------------------------ replacements

static void open_replacements(const ScoutTextReplacement *table, size_t count)
{
    open_polish(&(ScoutTextOptions){.replacements = table, .replacement_count = count});
}

static void words_are_replaced_whole(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_WORD, "kubernetis", "Kubernetes", 0, 0, NULL},
        {SCOUT_TEXT_WORD, "cat", "dog", 0, 1, NULL},
        {SCOUT_TEXT_WORD, "Bill", "William", 1, 0, NULL},
        {SCOUT_TEXT_WORD, "écoute", "entends", 0, 1, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    expect(" we use Kubernetis, KUBERNETIS.", "We use Kubernetes, Kubernetes.");
    expect(" a cat, a Cat, a CAT, cats, concat, the cat's", "A dog, a Dog, a DOG, cats, concat, "
                                                            "the dog's");
    expect(" Bill pays the bill", "William pays the bill");
    expect(" ÉCOUTE, Écoute, écoute", "ENTENDS, Entends, entends");
    expect(" we use| Kubernetis", "We use Kubernetes");
    assert_int_equal(polish_rules_hits(rules, 0), 3);
    assert_int_equal(polish_rules_hits(rules, 2), 1);
    assert_int_equal(polish_rules_hits(rules, 99), 0);
}

static void phrases_are_replaced_however_they_are_spoken(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_PHRASE, "open street map", "OpenStreetMap", 0, 0, NULL},
        {SCOUT_TEXT_PHRASE, "new york", "NY", 0, 0, NULL},
        {SCOUT_TEXT_PHRASE, "new york city", "NYC", 0, 0, NULL},
        {SCOUT_TEXT_PHRASE, "l'eau", "water", 0, 0, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    expect(" try open street map and Open-Street, Map.", "Try OpenStreetMap and OpenStreetMap.");
    expect(" in New York City or New York", "In NYC or NY");
    expect(" in new. york", "In new. york");
    expect(" openstreet map", "Openstreet map");
    expect(" new york|city", "NY city");
    expect(" dans l’eau", "Dans water");
}

static void deleted_words_leave_no_trace(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_WORD, "um", "", 0, 0, NULL},
        {SCOUT_TEXT_PHRASE, "you know", "", 0, 0, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    expect(" Um, well I um think, you know, yes.", "Well I think, yes.");
    expect(" Yes. Um, well.", "Yes. Well.");
    expect(" I said um.", "I said.");
    expect(" um", "");
    expect(" he is tall, um| and fat", "He is tall, and fat");
}

static void exact_texts_are_replaced_anywhere(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_EXACT, "->", "→", 0, 0, NULL},        {SCOUT_TEXT_EXACT, "--", "–", 0, 0, NULL},
        {SCOUT_TEXT_EXACT, "ae", "æ", 0, 0, NULL},        {SCOUT_TEXT_EXACT, "#", ".", 0, 0, NULL},
        {SCOUT_TEXT_WORD, "linebreak", "\n", 0, 0, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    expect(" a -> b -- c, Caesar AE", "A → b – c, Cæsar AE");
    expect(" one linebreak two", "One\ntwo");
    expect("One|#", "One.");
    expect("One|##", "One ..");
    expect("use|#net", "Use .net");
}

static void regexes_are_applied_in_turn(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_REGEX, "(\\d+) degrees", "$1°", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(\\d)°", "$1 °C", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(?i)\\bscout\\b", "[$0]", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(a+)(b+)", "${2}$1$$", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(?<=x )y", "z", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "end$", "END", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "aa", "aaaa", 0, 0, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    expect(" it is 21 degrees", "It is 21 °C");
    expect(" the Scout, scouts", "The [Scout], scouts");
    expect(" xaabx", "Xbaaaa$x");
    expect(" x y y", "X z y");
    expect(" the end of the end", "The end of the END");
    assert_int_equal(polish_rules_hits(rules, 0), 1);
}

static void evil_regexes_end(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {
        {SCOUT_TEXT_REGEX, "(a+)+$", "x", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(.*)*,(.*)*;(.*)*!", "x", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "o", "oo", 0, 0, NULL},
        {SCOUT_TEXT_REGEX, "(?s)q.*z", "y", 0, 0, NULL},
    };
    open_replacements(table, BASE_COUNT(table));
    char raw[1200];
    memset(raw, 'a', sizeof raw);
    raw[600] = 'q';
    raw[sizeof raw - 2] = 'b';
    raw[sizeof raw - 1] = '\0';
    assert_int_equal(say(raw).length, sizeof raw - 1);
    memset(raw, 'o', sizeof raw - 1);
    assert_int_equal(say(raw).length, 1 + 2 * (sizeof raw - 1)); // and the join
}

// A match that could reach for ever does not hold back text for ever.
static void what_a_regex_holds_back_is_bounded(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {{SCOUT_TEXT_REGEX, "<.*>", "tag", 0, 0, NULL}};
    open_replacements(table, BASE_COUNT(table));
    char raw[1000];
    memset(raw, 'w', sizeof raw);
    raw[1] = '<';
    PolishText text;
    assert_int_equal(polish_partial(polish, raw, sizeof raw, "", 0, &text, NULL), SCOUT_OK);
    assert_int_equal(text.settled_bytes, sizeof raw);
    assert_int_equal(polish_partial(polish, raw, sizeof raw, "", 0, &text, NULL), SCOUT_OK);
}

static void what_may_match_waits(void **state)
{
    (void)state;
    const ScoutTextReplacement table[] = {{SCOUT_TEXT_PHRASE, "new york", "NY", 0, 0, NULL}};
    open_replacements(table, BASE_COUNT(table));
    PolishText text;
    const char *raw = "We saw new";
    assert_int_equal(polish_partial(polish, raw, strlen(raw), " shoes", 6, &text, NULL), SCOUT_OK);
    assert_string_equal(text.text, "We saw new shoes");
    assert_int_equal(text.settled_bytes, strlen("We saw"));
    raw = "We saw new sho";
    assert_int_equal(polish_partial(polish, raw, strlen(raw), "", 0, &text, NULL), SCOUT_OK);
    assert_int_equal(text.settled_bytes, strlen(raw));
}

// ---------------------------------------------------------------------------------------- commands

static void spoken_marks_take_the_place_of_heard_ones(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" Hello full stop", "Hello.");
    expect(" Hello, full stop.", "Hello.");
    expect(" Hello. Full stop. How are you? Question mark.", "Hello. How are you?");
    expect(" hello full stop how are you question mark", "Hello. How are you?");
    expect(" Apples, comma, pears, comma, and plums.", "Apples, pears, and plums.");
    expect(" Apples comma pears comma and plums", "Apples, pears, and plums");
    expect(" Hello. Comma. How are you?", "Hello, how are you?");
    expect(" Hello. Comma. Peter said so.", "Hello, Peter said so.");
    expect(" Stop exclamation mark exclamation mark", "Stop!!");
    expect(" The following, colon, apples", "The following: apples");
    expect(" Well dot dot dot maybe", "Well… maybe");
    expect(" Hello period", "Hello.");
    expect(" Hello period. How are you?", "Hello. How are you?");
    expect(" Hello period How are you", "Hello. How are you");
    expect(" ten percent sign", "Ten%");
}

static void ordinary_words_stay(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" It came to a full stop.", "It came to a full stop.");
    expect(" A period of time, the period.", "A period of time, the period.");
    expect(" a long period begins", "A long period begins");
    expect(" The new line of products, a new line.", "The new line of products, a new line.");
    expect(" Put the comma there.", "Put the comma there.");
    expect(" he had colon cancer", "He had colon cancer");
    expect(" a time period. this period.", "A time period. this period.");
    expect(" I like that full stop of course", "I like that. Of course");
    expect(" newlines and commas", "Newlines and commas");
    expect(" I want to scratch that itch.", "I want to scratch that itch.");
    expect(" we will stop dictation soon", "We will stop dictation soon");
    expect(" literally full stop, literally comma", "Full stop, comma");
    expect(" the word comma is short", "The word comma is short");
    expect(" he literally ran", "He literally ran");
}

static void lines_and_paragraphs(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" First line. New line. Second line.", "First line.\nSecond line.");
    expect(" Dear John, comma, new line, thank you", "Dear John,\nthank you");
    expect(" milk, new line, eggs, new line, bread", "Milk\neggs\nbread");
    expect(" One. New paragraph. two", "One.\n\nTwo");
    expect(" One.| New line.| Two.", "One.\nTwo.");
    expect(" One.| New line|. New line. Two.", "One.\n\nTwo.");
    expect(" one new", "One new");
}

static void quotes_and_brackets(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" He said, open quote, hello, close quote, and left.", "He said, \"hello\", and left.");
    expect(" He said open quote hello close quote full stop", "He said \"hello\".");
    expect(" this, open bracket, see below, close bracket, works", "This (see below), works");
    expect(" item open square bracket one close square bracket", "Item [one]");
    expect(" so open quote| hello| close quote", "So \"hello\"");
    expect(" well hyphen known", "Well-known");
    expect(" he said open quote hello-close quote - and left-", "He said \"hello\" - and left-");
    expect(" and, forward slash, or", "And/or");
    expect(" yes, dash, no", "Yes – no");
    expect(" dollar sign five", "$five");
    expect(" Hello. Open quote. Yes. Close quote.", "Hello. \"Yes.\".");
}

static void marks_across_utterances(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" Hello.| Full stop.", "Hello.");
    expect(" Hello.| Comma.| How are you?", "Hello, how are you?");
    expect(" Is it you.| Question mark.", "Is it you?");
    expect(" Hello| full stop| how are you", "Hello. How are you");
    expect(" What exclamation mark| exclamation mark", "What!!");
    expect(" Really...| question mark", "Really?");
    expect(" comma", ",");
}

static void capitals_on_demand(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" this is all caps important stuff", "This is IMPORTANT stuff");
    expect(" All caps, hello there", "HELLO there");
    expect(" caps on straße über caps off now", "STRAßE ÜBER now");
    expect(" caps on one two| three", "ONE TWO three");
}

static void scratch_that_takes_back_a_sentence(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" I like apples.| Scratch that.", "");
    expect(" I like apples. I like pears.| Scratch that.| Scratch that.", "");
    expect(" I like apples. I like pears.| Scratch that.| And plums.", "I like apples. And plums.");
    expect(" One.| Two.| Scratch that.| Three.", "One. Three.");
    expect(" I like apples. Scratch that. I like pears.", "I like pears.");
    expect(" One.| I like apples, scratch that, I like pears.", "One. I like pears.");
    expect(" I met Dr. Smith.| Scratch that", "");
    expect(" Scratch that", "");
    expect(" Grüße aus Köln.| Über Nacht.| scratch that", "Grüße aus Köln.");
    expect(" One| comma two.| scratch that", "One");
}

static void undo_takes_back_and_gives_back(void **state)
{
    (void)state;
    open_dictation(NULL);
    expect(" One.| Two. Three.| Undo that.", "One.");
    expect(" One.| Two.| Scratch that.| Undo that.", "One. Two.");
    expect(" One.| Two.| Scratch that.| Undo that.| Three.", "One. Two. Three.");
    expect(" One.| Scratch that.| Two.| Undo that.", "");
    expect(" Undo that.", "");
}

static void stop_is_an_event(void **state)
{
    (void)state;
    open_dictation(NULL);
    const PolishText text = say(" That is all. Stop dictation.");
    assert_string_equal(text.text, "That is all.");
    assert_int_equal(text.event_count, 1);
    assert_int_equal(text.events[0].type, POLISH_STOP);
    assert_int_equal(text.events[0].at_bytes, text.length);
}

static void without_commands_words_are_words(void **state)
{
    (void)state;
    open_polish(NULL);
    expect(" Hello, full stop. New line. Scratch that.",
           "Hello, full stop. New line. Scratch that.");
}

static void the_users_commands_come_first(void **state)
{
    (void)state;
    const ScoutTextCommand table[] = {
        {"period", NULL, SCOUT_TEXT_NOTHING, SCOUT_TEXT_GUARDED, NULL},
        {"wipe it", NULL, SCOUT_TEXT_SCRATCH, SCOUT_TEXT_ALONE, NULL},
        {"smiley", "🙂", SCOUT_TEXT_WRITE, SCOUT_TEXT_ANYWHERE, NULL},
        {"full stop", "!", SCOUT_TEXT_MARK, SCOUT_TEXT_GUARDED, NULL},
    };
    open_polish(&(ScoutTextOptions){
        .commands = 1, .command_table = table, .command_count = BASE_COUNT(table)});
    expect(" Hello period.", "Hello period.");
    expect(" Hello full stop", "Hello!");
    expect(" a smiley for you, smiley.", "A 🙂 for you, 🙂.");
    expect(" One.| Two.| Wipe it.", "One.");
    open_polish(&(ScoutTextOptions){.commands = 1,
                                    .no_built_in_commands = 1,
                                    .command_table = table,
                                    .command_count = BASE_COUNT(table)});
    expect(" One comma two smiley", "One comma two 🙂");
}

static void commands_of_other_languages(void **state)
{
    (void)state;
    open_dictation("de");
    expect(" Hallo, Komma, wie geht es dir? Fragezeichen.", "Hallo, wie geht es dir?");
    expect(" Hallo Punkt neue Zeile Grüße", "Hallo.\nGrüße");
    expect(" Das ist der Punkt. Auf den Punkt.", "Das ist der Punkt. Auf den Punkt.");
    expect(" Er sagte Anführungszeichen auf ja Anführungszeichen zu Punkt", "Er sagte „ja“.");
    expect(" Klammer auf siehe unten Klammer zu", "(Siehe unten)");
    expect(" Eins.| Zwei.| Streich das.", "Eins.");
    open_dictation("fr");
    expect(" Bonjour virgule comment ça va point d'interrogation",
           "Bonjour, comment ça va\xC2\xA0?");
    expect(" Bonjour, virgule, ça va point d’exclamation", "Bonjour, ça va\xC2\xA0!");
    expect(" Merci point à la ligne au revoir", "Merci.\nAu revoir");
    expect(" un bon point de vue", "Un bon point de vue");
    expect(" ouvrez les guillemets oui fermez les guillemets point", "«\xC2\xA0Oui\xC2\xA0».");
    open_dictation("es");
    expect(" abrir interrogación cómo estás cerrar interrogación", "¿Cómo estás?");
    expect(" Hola, coma, qué tal punto y aparte adiós", "Hola, qué tal.\nAdiós");
    expect(" desde mi punto de vista", "Desde mi punto de vista");
    open_dictation("it");
    expect(" Ciao virgola come va punto interrogativo a capo bene punto", "Ciao, come va?\nBene.");
    open_dictation("pt");
    expect(" Olá vírgula tudo bem ponto de interrogação nova linha sim ponto final",
           "Olá, tudo bem?\nSim.");
    open_dictation("nl");
    expect(" Hallo komma hoe gaat het vraagteken nieuwe regel goed punt",
           "Hallo, hoe gaat het?\nGoed.");
    open_dictation("xx");
    expect(" hello full stop", "Hello full stop");
    polish_set_language(polish, "en");
    expect(" hello full stop", "Hello.");
}

// --------------------------------------------------------------------------------- numbers, masks

static void numbers_in_digits(void **state)
{
    (void)state;
    open_polish(&(ScoutTextOptions){.numbers = SCOUT_TEXT_DIGITS});
    expect(" twenty three, Twenty-three and one hundred and five", "23, 23 and 105");
    expect(" one of them has two", "One of them has two");
    expect(" in nineteen eighty four and twenty twenty-three", "In 1984 and 2023");
    expect(" twenty oh five", "2005");
    expect(" three point one four", "3.14");
    expect(" call five five five one two oh three", "Call 5551203");
    expect(" two thousand and one", "2001");
    expect(" a hundred people", "100 people");
    expect(" a man", "A man");
    expect(" twenty five thousand three hundred", "25,300");
    expect(" five million people", "5 million people");
    expect(" two million one hundred", "2,000,100");
    expect(" the twenty first, two hundred and third", "The 21st, 203rd");
    expect(" the first", "The first");
    expect(" five percent, twelve percent", "5%, 12%");
    expect(" a twenty second delay", "A 20 second delay");
    expect(" the point is, and", "The point is, and");
    expect(" ten and eleven", "10 and 11");
    expect(" one hundred and two thousand", "102,000");
    expect(" someone", "Someone");
    PolishText text;
    const char *raw = " We saw twenty";
    assert_int_equal(polish_partial(polish, raw, strlen(raw), " three", 6, &text, NULL), SCOUT_OK);
    assert_int_equal(text.settled_bytes, strlen(" We saw"));
    assert_string_equal(text.text, " we saw 23");
}

static void numbers_in_words(void **state)
{
    (void)state;
    open_polish(&(ScoutTextOptions){.numbers = SCOUT_TEXT_WORDS});
    expect(" 23 and 105, 1,200.",
           "Twenty-three and one hundred and five, one thousand two hundred.");
    expect(" we have 0, 7, 19, 40, 1001, 999999",
           "We have zero, seven, nineteen, forty, one thousand and one, nine hundred and "
           "ninety-nine thousand nine hundred and ninety-nine");
    expect(" 3.14, 10:30, 2023-05-01, $5, 5%, B2, 007, 1000000, 1,23",
           "3.14, 10:30, 2023-05-01, $5, 5%, B2, 007, 1000000, 1,23");
}

static void profanity_is_masked_when_asked(void **state)
{
    (void)state;
    open_polish(NULL);
    expect(" what the fuck", "What the fuck");
    const char *const own[] = {"blimey", "dang*"};
    open_polish(
        &(ScoutTextOptions){.profanity_filter = 1, .profanity_table = own, .profanity_count = 2});
    expect(" Fucking hell, blimey, Danged, Scunthorpe shit", "F****** hell, b*****, D*****, "
                                                             "Scunthorpe s***");
    assert_int_equal(polish_rules_masked(rules), 4);
    open_polish(&(ScoutTextOptions){.profanity_filter = 1,
                                    .no_built_in_profanities = 1,
                                    .profanity_table = own,
                                    .profanity_count = 2});
    expect(" blimey, shit", "B*****, shit");
}

// ------------------------------------------------------------------------------------------ errors

static void expect_refusal(const ScoutTextOptions *options, ScoutStatus status, const char *words)
{
    ScoutError error = {.message = ""};
    PolishRules *made = NULL;
    assert_int_equal(polish_rules_new(options, &made, &error), status);
    assert_null(made);
    if (!strstr(error.message, words))
        fail_msg("'%s' lacks '%s'", error.message, words);
}

static void wrong_rules_are_refused(void **state)
{
    (void)state;
    const struct {
        ScoutTextReplacement rule;
        const char *words;
    } wrong[] = {
        {{SCOUT_TEXT_WORD, "two words", "x", 0, 0, NULL}, "make it a phrase"},
        {{SCOUT_TEXT_WORD, " ", "x", 0, 0, NULL}, "empty"},
        {{SCOUT_TEXT_EXACT, "", "x", 0, 0, NULL}, "empty"},
        {{SCOUT_TEXT_WORD, NULL, "x", 0, 0, NULL}, "what to replace"},
        {{SCOUT_TEXT_REGEX, "(", "x", 0, 0, NULL}, "parenthesis"},
        {{SCOUT_TEXT_REGEX, "(a)", "$2", 0, 0, NULL}, "group 2"},
        {{SCOUT_TEXT_REGEX, "a", "5 $", 0, 0, NULL}, "$$"},
        {{SCOUT_TEXT_REGEX, "a\\C", "", 0, 0, NULL}, "\\C"},
        {{SCOUT_TEXT_PHRASE, "a\nb", "", 0, 0, NULL}, "line end"},
        {{SCOUT_TEXT_WORD, "\xFF", "", 0, 0, NULL}, "UTF-8"},
        {{SCOUT_TEXT_WORD, "a", "\x01", 0, 0, NULL}, "control"},
    };
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        expect_refusal(&(ScoutTextOptions){.replacements = &wrong[i].rule, .replacement_count = 1},
                       SCOUT_ERROR_INVALID_ARGUMENT, wrong[i].words);
    char *large = calloc(1, SCOUT_TEXT_BYTES_MAX + 2);
    assert_non_null(large);
    memset(large, 'a', SCOUT_TEXT_BYTES_MAX + 1);
    const ScoutTextReplacement rule = {SCOUT_TEXT_WORD, large, "", 0, 0, NULL};
    expect_refusal(&(ScoutTextOptions){.replacements = &rule, .replacement_count = 1},
                   SCOUT_ERROR_INVALID_ARGUMENT, "longer");
    free(large);
    expect_refusal(&(ScoutTextOptions){.replacement_count = SCOUT_TEXT_REPLACEMENTS_MAX + 1},
                   SCOUT_ERROR_LIMIT, "at most");
    ScoutTextReplacement many[SCOUT_TEXT_REGEXES_MAX + 1];
    for (size_t i = 0; i < BASE_COUNT(many); i++)
        many[i] = (ScoutTextReplacement){SCOUT_TEXT_REGEX, "a", "b", 0, 0, NULL};
    expect_refusal(&(ScoutTextOptions){.replacements = many, .replacement_count = BASE_COUNT(many)},
                   SCOUT_ERROR_LIMIT, "regexes");
    const ScoutTextCommand command = {"dot", NULL, SCOUT_TEXT_MARK, SCOUT_TEXT_GUARDED, NULL};
    expect_refusal(&(ScoutTextOptions){.command_table = &command, .command_count = 1},
                   SCOUT_ERROR_INVALID_ARGUMENT, "what to write");
}

static void changed_settled_text_is_refused(void **state)
{
    (void)state;
    open_polish(NULL);
    PolishText text;
    assert_int_equal(polish_partial(polish, "abc", 3, "", 0, &text, NULL), SCOUT_OK);
    assert_int_equal(polish_partial(polish, "abd", 3, "", 0, &text, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(polish_final(polish, "ab", 2, &text, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(polish_final(polish, "abc", 3, &text, NULL), SCOUT_OK);
    assert_string_equal(text.text, "Abc");
    static char large[POLISH_RAW_MAX + 1];
    memset(large, 'a', sizeof large);
    assert_int_equal(polish_final(polish, large, sizeof large, &text, NULL), SCOUT_ERROR_LIMIT);
    assert_int_equal(polish_final(polish, large, POLISH_RAW_MAX, &text, NULL), SCOUT_OK);
}

static void malformed_text_is_made_well(void **state)
{
    (void)state;
    open_polish(NULL);
    expect("a\xFF\x62\x01\r\nc\xC3", "A\xEF\xBF\xBD"
                                     "b c\xEF\xBF\xBD");
}

// Longer than the page is remembered.
static void a_long_page_is_forgotten_at_its_beginning(void **state)
{
    (void)state;
    open_dictation(NULL);
    size_t taken = 0;
    for (int i = 0; i < 3000; i++)
        (void)say(" This is a sentence of its own.");
    for (int i = 0; i < 1000; i++)
        taken += say(" scratch that").event_count;
    assert_true(taken > 100 && taken <= 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(utterances_are_joined, teardown),
        cmocka_unit_test_teardown(a_join_is_told, teardown),
        cmocka_unit_test_teardown(scripts_without_spaces_have_none, teardown),
        cmocka_unit_test_teardown(capitals_are_learned, teardown),
        cmocka_unit_test_teardown(german_nouns_keep_their_capital, teardown),
        cmocka_unit_test_teardown(words_are_replaced_whole, teardown),
        cmocka_unit_test_teardown(phrases_are_replaced_however_they_are_spoken, teardown),
        cmocka_unit_test_teardown(deleted_words_leave_no_trace, teardown),
        cmocka_unit_test_teardown(exact_texts_are_replaced_anywhere, teardown),
        cmocka_unit_test_teardown(regexes_are_applied_in_turn, teardown),
        cmocka_unit_test_teardown(evil_regexes_end, teardown),
        cmocka_unit_test_teardown(what_a_regex_holds_back_is_bounded, teardown),
        cmocka_unit_test_teardown(what_may_match_waits, teardown),
        cmocka_unit_test_teardown(spoken_marks_take_the_place_of_heard_ones, teardown),
        cmocka_unit_test_teardown(ordinary_words_stay, teardown),
        cmocka_unit_test_teardown(lines_and_paragraphs, teardown),
        cmocka_unit_test_teardown(quotes_and_brackets, teardown),
        cmocka_unit_test_teardown(marks_across_utterances, teardown),
        cmocka_unit_test_teardown(capitals_on_demand, teardown),
        cmocka_unit_test_teardown(scratch_that_takes_back_a_sentence, teardown),
        cmocka_unit_test_teardown(undo_takes_back_and_gives_back, teardown),
        cmocka_unit_test_teardown(stop_is_an_event, teardown),
        cmocka_unit_test_teardown(without_commands_words_are_words, teardown),
        cmocka_unit_test_teardown(the_users_commands_come_first, teardown),
        cmocka_unit_test_teardown(commands_of_other_languages, teardown),
        cmocka_unit_test_teardown(numbers_in_digits, teardown),
        cmocka_unit_test_teardown(numbers_in_words, teardown),
        cmocka_unit_test_teardown(profanity_is_masked_when_asked, teardown),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test_teardown(changed_settled_text_is_refused, teardown),
        cmocka_unit_test_teardown(malformed_text_is_made_well, teardown),
        cmocka_unit_test_teardown(a_long_page_is_forgotten_at_its_beginning, teardown),
    };
    return cmocka_run_group_tests_name("polish", tests, NULL, NULL);
}
