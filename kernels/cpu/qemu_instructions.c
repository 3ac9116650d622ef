/* A plugin of QEMU's that counts the instructions of an aarch64 program, and writes three numbers
 * when it ends: all, those that read or write memory, those of floating point and SIMD.
 *
 *     cc -shared -fPIC -o libqemu_instructions.so qemu_instructions.c
 *     qemu-aarch64 -plugin ./libqemu_instructions.so,output=counts PROGRAM
 *
 * For programs of one thread. Debian has no header of the plugin interface; what is declared here
 * is its version 1, which QEMU 6.0 to 8.2 take. A later QEMU refuses the plugin and says so.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*call)(uint64_t id, struct qemu_plugin_tb* block));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block,
                                          void (*call)(unsigned int vcpu, void* data), int flags,
                                          void* data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*call)(uint64_t id, void* data), void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

struct counts {
  uint64_t all, memory, simd;
};

static struct counts total;
static const char* output;

static void executed(unsigned int vcpu, void* data) {
  const struct counts* block = data;
  (void)vcpu;
  total.all += block->all;
  total.memory += block->memory;
  total.simd += block->simd;
}

static void translated(uint64_t id, struct qemu_plugin_tb* block) {
  struct counts* counts = calloc(1, sizeof *counts); /* as long as the block may run */
  (void)id;
  if (counts == NULL) abort();
  counts->all = qemu_plugin_tb_n_insns(block);
  for (size_t i = 0; i < counts->all; ++i) {
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
    /* The architecture's main groups, by bits 28 to 25. */
    counts->memory += (word >> 25 & 5) == 4;
    counts->simd += (word >> 25 & 7) == 7;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, counts);
}

static void ended(uint64_t id, void* data) {
  FILE* file = fopen(output, "w");
  (void)id;
  (void)data;
  if (file == NULL) {
    perror(output);
    return;
  }
  fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", total.all, total.memory, total.simd);
  fclose(file);
}

EXPORT int qemu_plugin_install(uint64_t id, const void* info, int count, char** arguments) {
  static const char option[] = "output=";
  (void)info;
  if (count != 1 || strncmp(arguments[0], option, sizeof option - 1) != 0) {
    fprintf(stderr, "give output=FILE, and nothing else\n");
    return 1;
  }
  output = arguments[0] + sizeof option - 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
