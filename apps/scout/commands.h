// The commands of scout. Each returns the exit status of the program.
#ifndef SCOUT_COMMANDS_H
#define SCOUT_COMMANDS_H

#include "config/config.h"

int command_transcribe(const Config *config);
int command_listen(const Config *config);
int command_dictate(const Config *config);
int command_models_list(const Config *config);
int command_models_pull(const Config *config);
int command_models_import(const Config *config);
int command_models_info(const Config *config);
int command_models_verify(const Config *config);
int command_models_remove(const Config *config);
int command_languages(const Config *config);
int command_doctor(const Config *config);
int command_bench(const Config *config);
int command_record(const Config *config);
int command_recover(const Config *config);
int command_config(const Config *config);

#endif
