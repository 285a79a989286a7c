// The drivers there are, and what they list: see capture_driver.h.
#include "capture_driver.h"

#include <string.h>

#include "base/attributes.h"
#include "base/library.h"
#include "base/memory.h"
#include "base/str.h"

typedef struct DeviceDriver {
    const char *name;
    const char *module;
} DeviceDriver;

// In the order in which they are tried.
static const DeviceDriver DEVICE_DRIVERS[] = {
    {"pulse", "scout-capture-pulse.so"},
    {"portaudio", "scout-capture-portaudio.so"},
};

static const CaptureDriver *const BUILT_IN[] = {&CAPTURE_FILE, &CAPTURE_RAW, &CAPTURE_NULL};

static ScoutStatus load(const DeviceDriver *driver, const CaptureDriver **found, ScoutError *error)
{
    const void *shown = NULL;
    ScoutStatus status =
        library_load_module(driver->module, CAPTURE_DRIVER_SYMBOL_NAME, &shown, error);
    if (!status)
        *found = shown;
    return status;
}

// The error is the first driver's: it is the one that is meant to be there.
static ScoutStatus find_for_devices(const CaptureDriver *drivers[CAPTURE_CANDIDATES_MAX],
                                    size_t *count, ScoutError *error)
{
    size_t found = 0;
    ScoutStatus first = SCOUT_OK;
    for (size_t i = 0; i < BASE_COUNT(DEVICE_DRIVERS); i++) {
        ScoutStatus status = load(&DEVICE_DRIVERS[i], &drivers[found], i == 0 ? error : NULL);
        first = i == 0 ? status : first;
        found += !status;
    }
    if (found == 0)
        return first;
    *count = found;
    return SCOUT_OK;
}

ScoutStatus capture_drivers_find(const char *name,
                                 const CaptureDriver *drivers[CAPTURE_CANDIDATES_MAX],
                                 size_t *count, ScoutError *error)
{
    if (!name)
        return find_for_devices(drivers, count, error);
    *count = 1;
    for (size_t i = 0; i < BASE_COUNT(BUILT_IN); i++) {
        drivers[0] = BUILT_IN[i];
        if (str_equal(name, BUILT_IN[i]->name))
            return SCOUT_OK;
    }
    for (size_t i = 0; i < BASE_COUNT(DEVICE_DRIVERS); i++) {
        if (str_equal(name, DEVICE_DRIVERS[i].name))
            return load(&DEVICE_DRIVERS[i], &drivers[0], error);
    }
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                     "there is no sound driver '%s'; there are pulse, portaudio, file, raw and "
                     "null",
                     name);
}

// Defaults first, then microphones, then what outputs play; the driver's order otherwise.
static int rank(const AudioDevice *device)
{
    return (device->is_monitor ? 2 : 0) + (device->is_default ? 0 : 1);
}

static void sort_devices(AudioDevice *devices, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const AudioDevice moved = devices[i];
        size_t at = i;
        for (; at > 0 && rank(&devices[at - 1]) > rank(&moved); at--)
            devices[at] = devices[at - 1];
        devices[at] = moved;
    }
}

static ScoutStatus list_first(const CaptureDriver *const *drivers, size_t driver_count,
                              AudioDevice *devices, size_t *count, ScoutError *error)
{
    ScoutStatus first = SCOUT_OK;
    for (size_t i = 0; i < driver_count; i++) {
        ScoutStatus status = drivers[i]->list(devices, count, i == 0 ? error : NULL);
        if (!status && (i == 0 || *count > 0))
            return SCOUT_OK;
        first = i == 0 ? status : first;
    }
    return first;
}

ScoutStatus audio_devices_list(const char *driver, AudioDevice **devices, size_t *count,
                               ScoutError *error)
{
    const CaptureDriver *drivers[CAPTURE_CANDIDATES_MAX];
    size_t driver_count = 0;
    ScoutStatus status = capture_drivers_find(driver, drivers, &driver_count, error);
    if (status)
        return status;
    if (!drivers[0]->list)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the sound driver '%s' has no devices to list", driver);
    AudioDevice *made = mem_array(AUDIO_DEVICES_MAX, sizeof *made);
    if (!made)
        return error_no_memory(error);
    size_t found = 0;
    status = list_first(drivers, driver_count, made, &found, error);
    if (status) {
        mem_free(made);
        return status;
    }
    sort_devices(made, found);
    *devices = made;
    *count = found;
    return SCOUT_OK;
}
