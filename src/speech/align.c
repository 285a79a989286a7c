// Alignment of tokens with audio: see align.h.
#include "align.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

enum { WIDTH_MAX = 15, DIAGONAL = 0, DOWN = 1, RIGHT = 2 };

static float median(float *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        float value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
    return values[count / 2];
}

void align_median_filter(const float *in, size_t count, size_t width, float *out)
{
    assert(width % 2 == 1 && width <= WIDTH_MAX);
    ptrdiff_t half = (ptrdiff_t)(width / 2);
    if (count <= width / 2) {
        memcpy(out, in, count * sizeof *out);
        return;
    }
    ptrdiff_t last = (ptrdiff_t)count - 1;
    for (ptrdiff_t i = 0; i <= last; i++) {
        float values[WIDTH_MAX];
        for (ptrdiff_t k = -half; k <= half; k++) {
            ptrdiff_t at = i + k;
            at = at < 0 ? -at : at;
            at = at > last ? 2 * last - at : at;
            values[k + half] = in[at];
        }
        out[i] = median(values, width);
    }
}

void align_warp(const float *cost, size_t rows, size_t columns, uint8_t *steps, float *sums,
                size_t *starts)
{
    size_t stride = columns + 1;
    float *above = sums; // the sums of one row, [columns + 1]
    float *here = sums + columns + 1;
    for (size_t c = 0; c <= columns; c++)
        above[c] = c == 0 ? 0.0f : INFINITY;
    for (size_t r = 1; r <= rows; r++) {
        here[0] = INFINITY;
        for (size_t c = 1; c <= columns; c++) {
            float diagonal = above[c - 1], down = above[c], right = here[c - 1];
            uint8_t step = RIGHT;
            float best = right;
            if (diagonal < down && diagonal < right) {
                step = DIAGONAL;
                best = diagonal;
            } else if (down < diagonal && down < right) {
                step = DOWN;
                best = down;
            }
            here[c] = cost[(r - 1) * columns + c - 1] + best;
            steps[r * stride + c] = step;
        }
        float *spare = above;
        above = here;
        here = spare;
    }
    size_t r = rows, c = columns;
    while (r > 0 && c > 0) {
        starts[r - 1] = c - 1; // overwritten until the first column of the row is reached
        uint8_t step = steps[r * stride + c];
        r -= step != RIGHT;
        c -= step != DOWN;
    }
    for (; r > 0; r--)
        starts[r - 1] = 0;
}

// Makes the first `positions` of every row sum to 1, then every column over the tokens have mean 0
// and deviation 1.
static void normalise_head(const AlignTask *task, float *head)
{
    for (size_t t = 0; t < task->tokens; t++) {
        float *row = head + t * task->stride;
        double sum = 0;
        for (size_t p = 0; p < task->positions; p++)
            sum += (double)row[p];
        float scale = sum > 0 ? (float)(1 / sum) : 0.0f;
        for (size_t p = 0; p < task->positions; p++)
            row[p] *= scale;
    }
    for (size_t p = 0; p < task->positions; p++) {
        double mean = 0, square = 0;
        for (size_t t = 0; t < task->tokens; t++)
            mean += (double)head[t * task->stride + p];
        mean /= (double)task->tokens;
        for (size_t t = 0; t < task->tokens; t++) {
            double off = (double)head[t * task->stride + p] - mean;
            square += off * off;
        }
        double deviation = sqrt(square / (double)task->tokens);
        double scale = deviation > 0 ? 1 / deviation : 0;
        for (size_t t = 0; t < task->tokens; t++) {
            float *value = &head[t * task->stride + p];
            *value = (float)(((double)*value - mean) * scale);
        }
    }
}

ScoutStatus align_tokens(const AlignTask *task, size_t *starts, ScoutError *error)
{
    size_t rows = task->last - task->first, columns = task->positions;
    BASE_CLEANUP(mem_free_pointer)
    float *cost = mem_array(mem_multiply(rows, columns), sizeof *cost);
    BASE_CLEANUP(mem_free_pointer) float *smooth = mem_array(columns, sizeof *smooth);
    BASE_CLEANUP(mem_free_pointer) float *sums = mem_array(2 * (columns + 1), sizeof *sums);
    BASE_CLEANUP(mem_free_pointer)
    uint8_t *steps = mem_array(mem_multiply(rows + 1, columns + 1), 1);
    if (!cost || !smooth || !sums || !steps)
        return error_no_memory(error);
    float share = -1.0f / (float)task->heads; // attention is worth, cost is paid
    for (size_t h = 0; h < task->heads; h++) {
        float *head = task->weights + h * task->tokens * task->stride;
        normalise_head(task, head);
        for (size_t r = 0; r < rows; r++) {
            align_median_filter(head + (task->first + r) * task->stride, columns,
                                ALIGN_MEDIAN_WIDTH, smooth);
            for (size_t c = 0; c < columns; c++)
                cost[r * columns + c] += smooth[c] * share;
        }
    }
    align_warp(cost, rows, columns, steps, sums, starts);
    return SCOUT_OK;
}
