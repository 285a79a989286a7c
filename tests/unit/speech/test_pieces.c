// Windows cut at their timestamps, as the reference's seek rule does.
#include "pieces.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { T0 = 100 }; // the first timestamp; text is below

#define CUT(pieces, ...)                                                                           \
    do {                                                                                           \
        const int32_t tokens_[] = {__VA_ARGS__};                                                   \
        pieces_cut(tokens_, sizeof tokens_ / sizeof *tokens_, T0, pieces);                         \
    } while (0)

static void check_piece(const Piece *piece, size_t first, size_t end, int32_t start_time,
                        int32_t end_time)
{
    assert_int_equal(piece->first, first);
    assert_int_equal(piece->end, end);
    assert_int_equal(piece->start_time, start_time);
    assert_int_equal(piece->end_time, end_time);
}

static void pairs_separate_pieces(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, 2, T0 + 50, T0 + 60, 3, T0 + 90);
    assert_int_equal(pieces.count, 2);
    check_piece(&pieces.piece[0], 0, 4, 0, 50);
    check_piece(&pieces.piece[1], 4, 7, 60, 90);
    assert_true(pieces.closed);
    assert_false(pieces.open_end);
}

static void a_pair_at_the_end_opens_nothing(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 50, T0 + 50);
    assert_int_equal(pieces.count, 1);
    check_piece(&pieces.piece[0], 0, 3, 0, 50);
    assert_false(pieces.closed);
    assert_false(pieces.open_end);
}

static void text_after_the_last_pair_is_open(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 50, T0 + 50, 2, 3);
    assert_int_equal(pieces.count, 2);
    check_piece(&pieces.piece[1], 3, 6, 50, PIECES_UNKNOWN);
    assert_true(pieces.open_end);
    assert_false(pieces.closed);
}

static void without_timestamps_all_is_one_piece(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, 1, 2, 3);
    assert_int_equal(pieces.count, 1);
    check_piece(&pieces.piece[0], 0, 3, PIECES_UNKNOWN, PIECES_UNKNOWN);
    assert_true(pieces.open_end);
    CUT(&pieces, T0 + 5);
    assert_int_equal(pieces.count, 0);
    pieces_cut((const int32_t[]){0}, 0, T0, &pieces);
    assert_int_equal(pieces.count, 0);
    assert_false(pieces.open_end);
}

static void one_piece_with_an_end(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0 + 2, 1, 2, T0 + 70);
    assert_int_equal(pieces.count, 1);
    check_piece(&pieces.piece[0], 0, 4, 2, 70);
    assert_true(pieces.closed);
}

static void more_pairs_than_pieces(void **state)
{
    (void)state;
    int32_t tokens[3 * PIECES_MAX];
    for (size_t i = 0; i < 3 * PIECES_MAX; i++)
        tokens[i] = i % 3 == 1 ? 7 : T0 + (int32_t)i;
    Pieces pieces;
    pieces_cut(tokens, 3 * PIECES_MAX, T0, &pieces);
    assert_int_equal(pieces.count, PIECES_MAX);
    assert_int_equal(pieces.piece[PIECES_MAX - 1].end, 3 * PIECES_MAX);
    for (size_t i = 1; i < pieces.count; i++)
        assert_int_equal(pieces.piece[i].first, pieces.piece[i - 1].end);
}

static PiecesChoice choose(const Pieces *pieces, bool cut, bool ended)
{
    const PiecesWindow window = {.cut = cut, .ended = ended, .advance_min = 25};
    return pieces_choose(pieces, &window);
}

static void an_open_piece_before_more_sound_is_heard_again(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 50, T0 + 60, 2, 3);
    PiecesChoice choice = choose(&pieces, true, true);
    assert_int_equal(choice.count, 1);
    assert_int_equal(choice.rest, PIECES_REST_AGAIN);
    assert_int_equal(choice.resume, 50);
    choice = choose(&pieces, false, false); // the model's room ran out
    assert_int_equal(choice.rest, PIECES_REST_AGAIN);
}

static void an_open_piece_at_the_end_of_the_sound_is_taken(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 50, T0 + 60, 2, 3);
    PiecesChoice choice = choose(&pieces, false, true);
    assert_int_equal(choice.count, 2);
    assert_int_equal(choice.rest, PIECES_REST_NONE);
}

// Nothing would be told that moves the next window on, so nothing may be left out.
static void an_open_piece_after_next_to_nothing_is_taken(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 20, T0 + 20, 2, 3);
    PiecesChoice choice = choose(&pieces, true, true);
    assert_int_equal(choice.count, 2);
    assert_int_equal(choice.rest, PIECES_REST_NONE);
    CUT(&pieces, T0, 1, 2, 3); // one open piece only
    choice = choose(&pieces, true, true);
    assert_int_equal(choice.count, 1);
    assert_int_equal(choice.rest, PIECES_REST_NONE);
}

static void after_a_closed_piece_the_rest_is_asked_about(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0, 1, T0 + 50, T0 + 60, 3, T0 + 90);
    PiecesChoice choice = choose(&pieces, true, true);
    assert_int_equal(choice.count, 2);
    assert_int_equal(choice.rest, PIECES_REST_MAYBE);
    assert_int_equal(choice.resume, 90);
}

static void no_piece_leaves_nothing_to_go_back_to(void **state)
{
    (void)state;
    Pieces pieces;
    CUT(&pieces, T0);
    PiecesChoice choice = choose(&pieces, true, true);
    assert_int_equal(choice.count, 0);
    assert_int_equal(choice.rest, PIECES_REST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_separate_pieces),
        cmocka_unit_test(a_pair_at_the_end_opens_nothing),
        cmocka_unit_test(text_after_the_last_pair_is_open),
        cmocka_unit_test(without_timestamps_all_is_one_piece),
        cmocka_unit_test(one_piece_with_an_end),
        cmocka_unit_test(more_pairs_than_pieces),
        cmocka_unit_test(an_open_piece_before_more_sound_is_heard_again),
        cmocka_unit_test(an_open_piece_at_the_end_of_the_sound_is_taken),
        cmocka_unit_test(an_open_piece_after_next_to_nothing_is_taken),
        cmocka_unit_test(after_a_closed_piece_the_rest_is_asked_about),
        cmocka_unit_test(no_piece_leaves_nothing_to_go_back_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
