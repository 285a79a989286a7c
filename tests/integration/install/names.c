// A program with functions of its own that are named like libscout's inner ones. Each dies when
// called: the library must call its own.
#include <stdio.h>
#include <stdlib.h>

#include <scout/models.h>
#include <scout/speech.h>

#define TAKEN(name)                                                                                \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        fputs(#name " of the program was called\n", stderr);                                       \
        abort();                                                                                   \
    }

TAKEN(arena_init)
TAKEN(buffer_init)
TAKEN(cpu_detect)
TAKEN(error_set)
TAKEN(kernels_init)
TAKEN(log_write)
TAKEN(mem_array)
TAKEN(mem_free)
TAKEN(registry_folder)
TAKEN(schedule_new)
TAKEN(str_equal)
TAKEN(thread_pool_new)

int main(void)
{
    ScoutError error;
    ScoutEngine *engine = NULL;
    ScoutModelList *list = NULL;
    if (scout_engine_new(NULL, &engine, &error) || scout_models_list(NULL, &list, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    scout_models_list_free(list);
    scout_engine_free(engine);
    puts(scout_version());
    return 0;
}
