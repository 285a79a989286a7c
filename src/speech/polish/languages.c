// Spoken commands by language: see languages.h. docs/dictation-text.md lists them for people.
#include "languages.h"

#include <assert.h>

#include "base/attributes.h"
#include "base/str.h"

// clang-format off
#define MARK(say, write)     {say, write, SCOUT_TEXT_MARK, SCOUT_TEXT_GUARDED, NULL}
#define MARK_END(say, write) {say, write, SCOUT_TEXT_MARK, SCOUT_TEXT_END, NULL}
#define OPEN(say, write)     {say, write, SCOUT_TEXT_OPEN, SCOUT_TEXT_GUARDED, NULL}
#define CLOSE(say, write)    {say, write, SCOUT_TEXT_CLOSE, SCOUT_TEXT_GUARDED, NULL}
#define TIGHT(say, write)    {say, write, SCOUT_TEXT_TIGHT, SCOUT_TEXT_GUARDED, NULL}
#define DASH(say, write)     {say, write, SCOUT_TEXT_DASH, SCOUT_TEXT_GUARDED, NULL}
#define DASH_ALONE(say, write) {say, write, SCOUT_TEXT_DASH, SCOUT_TEXT_ALONE, NULL}
#define LINE(say)            {say, "\n", SCOUT_TEXT_BREAK, SCOUT_TEXT_GUARDED, NULL}
#define PARAGRAPH(say)       {say, "\n\n", SCOUT_TEXT_BREAK, SCOUT_TEXT_GUARDED, NULL}
#define CAPITALS(say, which) {say, NULL, SCOUT_TEXT_CAPITALS##which, SCOUT_TEXT_GUARDED, NULL}
#define SCRATCH(say)         {say, NULL, SCOUT_TEXT_SCRATCH, SCOUT_TEXT_ALONE, NULL}
#define UNDO(say)            {say, NULL, SCOUT_TEXT_UNDO, SCOUT_TEXT_ALONE, NULL}
#define STOP(say)            {say, NULL, SCOUT_TEXT_STOP, SCOUT_TEXT_ALONE, NULL}
#define NOTHING(say)         {say, NULL, SCOUT_TEXT_NOTHING, SCOUT_TEXT_GUARDED, NULL}
#define NBSP                 "\xC2\xA0"

static const ScoutTextCommand english[] = {
    NOTHING("colon cancer"), NOTHING("time period"), NOTHING("grace period"),
    NOTHING("trial period"),
    MARK("full stop", "."), MARK_END("period", "."), MARK("comma", ","),
    MARK("question mark", "?"), MARK("exclamation mark", "!"), MARK("exclamation point", "!"),
    MARK("colon", ":"), MARK("semicolon", ";"), MARK("semi colon", ";"),
    MARK("ellipsis", "…"), MARK("dot dot dot", "…"), MARK("percent sign", "%"),
    LINE("new line"), LINE("newline"), PARAGRAPH("new paragraph"),
    OPEN("open quote", "\""), OPEN("open quotes", "\""), OPEN("begin quote", "\""),
    CLOSE("close quote", "\""), CLOSE("close quotes", "\""), CLOSE("end quote", "\""),
    CLOSE("unquote", "\""),
    OPEN("open bracket", "("), OPEN("open brackets", "("), OPEN("open parenthesis", "("),
    OPEN("open parentheses", "("), OPEN("open paren", "("),
    CLOSE("close bracket", ")"), CLOSE("close brackets", ")"), CLOSE("close parenthesis", ")"),
    CLOSE("close parentheses", ")"), CLOSE("close paren", ")"),
    OPEN("open square bracket", "["), CLOSE("close square bracket", "]"),
    OPEN("open curly bracket", "{"), CLOSE("close curly bracket", "}"),
    OPEN("open brace", "{"), CLOSE("close brace", "}"),
    TIGHT("hyphen", "-"), DASH_ALONE("dash", "–"), TIGHT("forward slash", "/"),
    TIGHT("backslash", "\\"), TIGHT("underscore", "_"), TIGHT("at sign", "@"),
    DASH("ampersand", "&"), OPEN("dollar sign", "$"), OPEN("hash sign", "#"),
    CAPITALS("all caps on", _ON), CAPITALS("all caps off", _OFF), CAPITALS("all caps", ),
    CAPITALS("caps on", _ON), CAPITALS("caps off", _OFF),
    SCRATCH("scratch that"), UNDO("undo that"), STOP("stop dictation"), STOP("stop dictating"),
    {0}};

static const ScoutTextCommand german[] = {
    MARK_END("Punkt", "."), MARK("Komma", ","), MARK("Beistrich", ","),
    MARK("Fragezeichen", "?"), MARK("Ausrufezeichen", "!"), MARK("Rufzeichen", "!"),
    MARK("Doppelpunkt", ":"), MARK("Semikolon", ";"), MARK("Strichpunkt", ";"),
    MARK("Auslassungspunkte", "…"), MARK("Prozentzeichen", NBSP "%"),
    LINE("neue Zeile"), PARAGRAPH("neuer Absatz"),
    OPEN("Anführungszeichen auf", "„"), OPEN("Anführungszeichen unten", "„"),
    OPEN("Anführungszeichen öffnen", "„"), CLOSE("Anführungszeichen zu", "“"),
    CLOSE("Anführungszeichen oben", "“"), CLOSE("Anführungszeichen schließen", "“"),
    OPEN("Klammer auf", "("), OPEN("Klammer öffnen", "("), CLOSE("Klammer zu", ")"),
    CLOSE("Klammer schließen", ")"), OPEN("eckige Klammer auf", "["),
    CLOSE("eckige Klammer zu", "]"), OPEN("geschweifte Klammer auf", "{"),
    CLOSE("geschweifte Klammer zu", "}"),
    TIGHT("Bindestrich", "-"), DASH("Gedankenstrich", "–"), TIGHT("Schrägstrich", "/"),
    TIGHT("Unterstrich", "_"), TIGHT("Klammeraffe", "@"),
    CAPITALS("Großbuchstaben an", _ON), CAPITALS("Großbuchstaben aus", _OFF),
    CAPITALS("alles groß", ),
    SCRATCH("streich das"), SCRATCH("streiche das"), SCRATCH("lösch das"), SCRATCH("lösche das"),
    UNDO("mach das rückgängig"), UNDO("rückgängig machen"),
    STOP("Diktat beenden"), STOP("Diktat stoppen"), STOP("Diktieren beenden"),
    {0}};

static const ScoutTextCommand french[] = {
    MARK_END("point", "."), MARK("point final", "."), MARK("virgule", ","),
    MARK("point d'interrogation", NBSP "?"), MARK("point d'exclamation", NBSP "!"),
    MARK_END("deux points", NBSP ":"), MARK("point virgule", NBSP ";"),
    MARK("points de suspension", "…"), MARK("trois petits points", "…"),
    LINE("à la ligne"), LINE("nouvelle ligne"), LINE("retour à la ligne"),
    MARK("point à la ligne", ".\n"), PARAGRAPH("nouveau paragraphe"),
    OPEN("ouvrez les guillemets", "«" NBSP), OPEN("ouvrir les guillemets", "«" NBSP),
    OPEN("ouvre les guillemets", "«" NBSP), CLOSE("fermez les guillemets", NBSP "»"),
    CLOSE("fermer les guillemets", NBSP "»"), CLOSE("ferme les guillemets", NBSP "»"),
    OPEN("ouvrez la parenthèse", "("), OPEN("ouvrir la parenthèse", "("),
    OPEN("ouvre la parenthèse", "("), CLOSE("fermez la parenthèse", ")"),
    CLOSE("fermer la parenthèse", ")"), CLOSE("ferme la parenthèse", ")"),
    OPEN("ouvrez le crochet", "["), OPEN("ouvrir le crochet", "["),
    CLOSE("fermez le crochet", "]"), CLOSE("fermer le crochet", "]"),
    TIGHT("trait d'union", "-"), DASH_ALONE("tiret", "–"), TIGHT("barre oblique", "/"),
    TIGHT("arobase", "@"),
    CAPITALS("tout en majuscules", ), CAPITALS("activer les majuscules", _ON),
    CAPITALS("désactiver les majuscules", _OFF),
    SCRATCH("efface ça"), SCRATCH("effacez ça"), SCRATCH("efface cela"), SCRATCH("effacer cela"),
    UNDO("annule ça"), UNDO("annulez ça"), UNDO("annule cela"), UNDO("annuler cela"),
    STOP("arrête la dictée"), STOP("arrêtez la dictée"), STOP("arrêter la dictée"),
    STOP("fin de la dictée"),
    {0}};

static const ScoutTextCommand spanish[] = {
    MARK_END("punto", "."), MARK("punto final", "."), MARK("punto y seguido", "."),
    MARK("punto y aparte", ".\n"), MARK("coma", ","), MARK("punto y coma", ";"),
    MARK_END("dos puntos", ":"), MARK("puntos suspensivos", "…"),
    MARK("signo de interrogación", "?"), OPEN("abrir interrogación", "¿"),
    OPEN("abre interrogación", "¿"), CLOSE("cerrar interrogación", "?"),
    CLOSE("cierra interrogación", "?"), MARK("signo de exclamación", "!"),
    OPEN("abrir exclamación", "¡"), OPEN("abre exclamación", "¡"),
    CLOSE("cerrar exclamación", "!"), CLOSE("cierra exclamación", "!"),
    LINE("nueva línea"), PARAGRAPH("nuevo párrafo"),
    OPEN("abrir comillas", "\""), OPEN("abre comillas", "\""), CLOSE("cerrar comillas", "\""),
    CLOSE("cierra comillas", "\""), OPEN("abrir paréntesis", "("), OPEN("abre paréntesis", "("),
    CLOSE("cerrar paréntesis", ")"), CLOSE("cierra paréntesis", ")"),
    OPEN("abrir corchete", "["), OPEN("abre corchete", "["), CLOSE("cerrar corchete", "]"),
    CLOSE("cierra corchete", "]"),
    TIGHT("guion", "-"), TIGHT("guión", "-"), DASH_ALONE("raya", "–"), TIGHT("guion bajo", "_"),
    TIGHT("guión bajo", "_"), TIGHT("barra diagonal", "/"), TIGHT("arroba", "@"),
    CAPITALS("todo en mayúsculas", ), CAPITALS("activar mayúsculas", _ON),
    CAPITALS("desactivar mayúsculas", _OFF),
    SCRATCH("borra eso"), SCRATCH("borrar eso"), SCRATCH("tacha eso"),
    UNDO("deshaz eso"), UNDO("deshacer eso"),
    STOP("detener dictado"), STOP("detener el dictado"), STOP("terminar dictado"),
    STOP("terminar el dictado"), STOP("parar dictado"), STOP("parar el dictado"),
    {0}};

static const ScoutTextCommand italian[] = {
    MARK_END("punto", "."), MARK("punto fermo", "."), MARK("virgola", ","),
    MARK("punto interrogativo", "?"), MARK("punto di domanda", "?"),
    MARK("punto esclamativo", "!"), MARK("punto e virgola", ";"), MARK_END("due punti", ":"),
    MARK("puntini di sospensione", "…"), MARK("punto a capo", ".\n"),
    LINE("a capo"), LINE("nuova riga"), PARAGRAPH("nuovo paragrafo"),
    OPEN("apri virgolette", "\""), OPEN("aperte virgolette", "\""),
    CLOSE("chiudi virgolette", "\""), CLOSE("chiuse virgolette", "\""),
    OPEN("apri parentesi", "("), OPEN("aperta parentesi", "("), CLOSE("chiudi parentesi", ")"),
    CLOSE("chiusa parentesi", ")"), OPEN("apri parentesi quadra", "["),
    CLOSE("chiudi parentesi quadra", "]"),
    TIGHT("trattino", "-"), TIGHT("trattino basso", "_"), TIGHT("barra obliqua", "/"),
    TIGHT("chiocciola", "@"),
    CAPITALS("tutto maiuscolo", ), CAPITALS("attiva maiuscole", _ON),
    CAPITALS("disattiva maiuscole", _OFF),
    SCRATCH("cancella questo"), SCRATCH("cancella quello"), UNDO("annulla questo"),
    UNDO("annulla quello"),
    STOP("termina dettatura"), STOP("termina la dettatura"), STOP("ferma dettatura"),
    STOP("ferma la dettatura"), STOP("fine dettatura"),
    {0}};

static const ScoutTextCommand portuguese[] = {
    MARK_END("ponto", "."), MARK("ponto final", "."), MARK("vírgula", ","),
    MARK("ponto de interrogação", "?"), MARK("ponto de exclamação", "!"),
    MARK("ponto e vírgula", ";"), MARK_END("dois pontos", ":"), MARK("reticências", "…"),
    LINE("nova linha"), PARAGRAPH("novo parágrafo"), PARAGRAPH("parágrafo novo"),
    OPEN("abrir aspas", "\""), OPEN("abre aspas", "\""), CLOSE("fechar aspas", "\""),
    CLOSE("fecha aspas", "\""), OPEN("abrir parênteses", "("), OPEN("abre parênteses", "("),
    OPEN("abrir parêntese", "("), OPEN("abre parêntese", "("), CLOSE("fechar parênteses", ")"),
    CLOSE("fecha parênteses", ")"), CLOSE("fechar parêntese", ")"),
    CLOSE("fecha parêntese", ")"), OPEN("abrir colchete", "["), OPEN("abre colchete", "["),
    CLOSE("fechar colchete", "]"), CLOSE("fecha colchete", "]"),
    TIGHT("hífen", "-"), DASH("travessão", "–"), TIGHT("barra oblíqua", "/"),
    TIGHT("sublinhado", "_"), TIGHT("arroba", "@"),
    CAPITALS("tudo em maiúsculas", ), CAPITALS("ativar maiúsculas", _ON),
    CAPITALS("desativar maiúsculas", _OFF),
    SCRATCH("apaga isso"), SCRATCH("apagar isso"), SCRATCH("risca isso"),
    UNDO("desfaz isso"), UNDO("desfazer isso"),
    STOP("parar ditado"), STOP("parar o ditado"), STOP("terminar ditado"),
    STOP("terminar o ditado"), STOP("encerrar ditado"), STOP("encerrar o ditado"),
    {0}};

static const ScoutTextCommand dutch[] = {
    MARK_END("punt", "."), MARK("komma", ","), MARK("vraagteken", "?"),
    MARK("uitroepteken", "!"), MARK("dubbele punt", ":"), MARK("dubbelepunt", ":"),
    MARK("puntkomma", ";"), MARK("punt komma", ";"), MARK("beletselteken", "…"),
    LINE("nieuwe regel"), PARAGRAPH("nieuwe alinea"),
    OPEN("aanhalingsteken openen", "\""), OPEN("aanhalingstekens openen", "\""),
    OPEN("open aanhalingsteken", "\""), OPEN("open aanhalingstekens", "\""),
    CLOSE("aanhalingsteken sluiten", "\""), CLOSE("aanhalingstekens sluiten", "\""),
    CLOSE("sluit aanhalingsteken", "\""), CLOSE("sluit aanhalingstekens", "\""),
    OPEN("haakje openen", "("), OPEN("haakjes openen", "("), OPEN("open haakje", "("),
    OPEN("open haakjes", "("), CLOSE("haakje sluiten", ")"), CLOSE("haakjes sluiten", ")"),
    CLOSE("sluit haakje", ")"), CLOSE("sluit haakjes", ")"),
    TIGHT("koppelteken", "-"), DASH("gedachtestreepje", "–"), TIGHT("schuine streep", "/"),
    TIGHT("liggend streepje", "_"), TIGHT("apenstaartje", "@"),
    CAPITALS("alles hoofdletters", ), CAPITALS("hoofdletters aan", _ON),
    CAPITALS("hoofdletters uit", _OFF),
    SCRATCH("schrap dat"), SCRATCH("wis dat"), UNDO("maak dat ongedaan"),
    UNDO("dat ongedaan maken"),
    STOP("stop dicteren"), STOP("stop met dicteren"), STOP("dictaat stoppen"),
    STOP("dicteren stoppen"),
    {0}};

const PolishLanguage polish_languages[] = {
    {.code = "en",
     .commands = english,
     .guards_before = "a an the my your our their every",
     .guards_end = "this these those each any some another same whole entire of in",
     .guards_after = "of",
     .escapes = "literally,literal",
     .quotes = "the word,the words,the phrase",
     .small_words = "a an the and or but nor so yet because if when while then than that this these "
                    "those it its he she we they you his her their our your my me him them us who "
                    "whom whose which what where why how is are was were be been being am do does "
                    "did have has had can could should would shall to of in on at by for from with "
                    "without into onto over under about after before as not no yes there here also "
                    "just only very really maybe perhaps too again still even well"},
    {.code = "de",
     .commands = german,
     .guards_before = "ein eine einen einem einer eines der die den dem des mein meine "
          "meinen dein deine deinen sein seine seinen unser unsere kein keine "
          "keinen jeder jede jedes jeden jedem am zum beim vom ans ins im pro",
     .guards_end = "das dieser diese dieses diesen diesem welcher welche welches erster "
          "erste ersten zweiter zweite zweiten dritter letzter letzte letzten "
          "nächster nächste nächsten auf",
     .guards_after = "",
     .escapes = "wörtlich,buchstäblich",
     .quotes = "das Wort,die Wörter,die Worte",
     .small_words = "und oder aber denn weil wenn als dass ob der die das den dem des ein eine "
                    "einen einem einer eines ich du er es wir man mich mir dich dir uns euch ist "
                    "sind war waren bin hat haben hatte wird werden wurde kann können nicht auch "
                    "noch nur schon sehr so dann doch in im an am auf aus bei mit nach von vom zu "
                    "zum zur für über unter vor um wie was wer wo warum hier da dort also",
     .nouns_are_capital = true},
    {.code = "fr",
     .commands = french,
     .guards_before = "un une le la les l ce cet cette mon ton son ma ta sa notre votre "
          "leur au aux du des quel quelle chaque aucun aucune",
     .guards_end = "de d à en ne certain premier deuxième dernier tel quelques plusieurs "
          "ces mes ses nos vos",
     .guards_after = "de du d des",
     .escapes = "littéralement",
     .quotes = "le mot,les mots",
     .small_words = "et ou mais donc or ni car que qui quoi dont où si quand comme lorsque puis le "
                    "la les un une des du de ce cet cette ces il elle on nous vous ils elles je tu "
                    "me te se lui leur son sa ses mon ma mes ton ta tes notre votre nos vos est "
                    "sont était étaient a ont avait être avoir ne pas plus en dans sur sous par "
                    "pour avec sans à au aux y aussi alors"},
    {.code = "es",
     .commands = spanish,
     .guards_before = "un una el la los las mi tu su al del nuestro nuestra cada ningún "
          "ninguna algún alguna",
     .guards_end = "este ese aquel estos esos de en a hasta desde primer tercer otro qué "
          "cierto sin con por que buen gran cualquier",
     .guards_after = "de del",
     .escapes = "literalmente",
     .quotes = "la palabra,las palabras",
     .small_words = "y e o u pero sino porque que si cuando como donde el la los las un una unos "
                    "unas lo le les se me te nos mi tu su es son era eran fue ser estar está están "
                    "ha han había no ni ya más muy también de del a al en con sin por para sobre "
                    "entre hasta desde este esta esto ese esa eso pues entonces"},
    {.code = "it",
     .commands = italian,
     .guards_before = "un uno una il lo la i gli le l ogni nessun nessuna qualche al alla "
          "del della dello nel nella sul sulla dal dalla",
     .guards_end = "questo quel quello di da in a su primo secondo terzo altro quale "
          "certo che con per buon bel",
     .guards_after = "di del della dei",
     .escapes = "letteralmente",
     .quotes = "la parola,le parole",
     .small_words = "e ed o ma però perché che se quando come dove il lo la i gli le un uno una di "
                    "a da in con su per tra fra del della dei delle al alla nel nella sul sulla è "
                    "sono era erano fu essere ha hanno aveva non più anche mi ti si ci vi io lui "
                    "noi loro questo questa quello quella poi quindi allora"},
    {.code = "pt",
     .commands = portuguese,
     .guards_before = "um uma o a os as ao do da dos das no na cada nenhum nenhuma algum "
          "alguma pelo pela",
     .guards_end = "este esse aquele de em até desde primeiro segundo terceiro outro que "
          "certo sem com por",
     .guards_after = "de do da",
     .escapes = "literalmente",
     .quotes = "a palavra,as palavras",
     .small_words = "e ou mas porque que se quando como onde o a os as um uma uns umas de do da dos "
                    "das em no na nos nas por pelo pela com sem para ao à é são era eram foi ser "
                    "estar está estão tem têm tinha não já mais muito também me te lhe eu tu ele "
                    "ela nós eles elas isso isto este esta esse essa então pois"},
    {.code = "nl",
     .commands = dutch,
     .guards_before = "een de mijn jouw ons onze elk elke ieder iedere geen",
     .guards_end = "het dit dat deze die zijn haar hun welk welke eerste tweede derde "
          "laatste volgende op in van aan met",
     .guards_after = "van",
     .escapes = "letterlijk",
     .quotes = "het woord,de woorden",
     .small_words = "en of maar want omdat dat als toen wanneer de het een ik jij je hij zij ze wij "
                    "we u mij me hem haar ons hen hun mijn jouw zijn is was waren ben bent heb "
                    "hebt heeft hebben had hadden wordt worden niet ook nog al zeer zo dan toch in "
                    "op aan uit bij met naar van tot voor over onder om hoe wat wie waar waarom "
                    "hier daar er dus te"},
};
// clang-format on

const size_t polish_language_count = BASE_COUNT(polish_languages);

static_assert(BASE_COUNT(polish_languages) <= POLISH_LANGUAGES_MAX, "one row a language");

size_t polish_language_find(const char *code)
{
    for (size_t i = 0; i < polish_language_count; i++)
        if (str_equal_nocase(polish_languages[i].code, code))
            return i;
    return POLISH_LANGUAGES_MAX;
}
