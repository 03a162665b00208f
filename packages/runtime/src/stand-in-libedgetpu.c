/*
 * A stand-in for libedgetpu without a device, for tests: the functions of edgetpu_c.h that Atoll calls, and a delegate that takes
 * the operator "edgetpu-custom-op" as the real one does. What it computes is an arithmetic of the operator's custom options and
 * its inputs that a test can do too, so that an answer shows which file and which device made it.
 *
 * It lives by files in its own folder: `devices` lists what is plugged in, a line "TYPE PATH" each (0 PCI, 1 USB); `fate` tells
 * what becomes of a run: "ok", "error", "abort", "hang", or "slow MILLISECONDS"; or "refuse", of an attempt to open a device;
 * `version` is the runtime's number (default 14); `journal` is what it writes, a line "PID WORD ..." for all that happens to it.
 *
 * Like the real one it opens a device once a process and shares it among delegates, and a device that was away stays lost for
 * the process that had it open. A device that two processes have open is written down as "stolen".
 *
 * Types are declared after tensorflow/lite/c/common.h and c_api_types.h of TFLite 2.9 (Apache-2.0), as far as they are used; the
 * functions after tflite/public/edgetpu_c.h of google-coral/libedgetpu (Apache-2.0).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
typedef struct { int size; int data[]; } TfLiteIntArray;
struct TfLiteDelegate;
typedef struct {
  int type;
  void *data;
  TfLiteIntArray *dims;
  struct { float scale; int32_t zero_point; } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  struct TfLiteDelegate *delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  struct { int type; void *params; } quantization;
  void *sparsity;
  const TfLiteIntArray *dims_signature;
} TfLiteTensor;
typedef struct {
  TfLiteIntArray *inputs, *outputs, *intermediates, *temporaries;
  void *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
  struct TfLiteDelegate *delegate;
  bool might_have_side_effect;
} TfLiteNode;
typedef struct {
  struct TfLiteDelegate *delegate;
  TfLiteIntArray *nodes_to_replace, *input_tensors, *output_tensors;
} TfLiteDelegateParams;
struct TfLiteRegistration;
typedef struct TfLiteContext {
  size_t tensors_size;
  TfLiteStatus (*GetExecutionPlan)(struct TfLiteContext *, TfLiteIntArray **);
  TfLiteTensor *tensors;
  void *impl;
  void *ResizeTensor;
  void (*ReportError)(struct TfLiteContext *, const char *, ...);
  void *AddTensors;
  TfLiteStatus (*GetNodeAndRegistration)(struct TfLiteContext *, int, TfLiteNode **, struct TfLiteRegistration **);
  /* Takes the registration by value: see the next type, which has to come first. */
  void *ReplaceNodeSubsetsWithDelegateKernels;
} TfLiteContext;
typedef struct TfLiteRegistration {
  void *(*init)(TfLiteContext *, const char *, size_t);
  void (*free)(TfLiteContext *, void *);
  TfLiteStatus (*prepare)(TfLiteContext *, TfLiteNode *);
  TfLiteStatus (*invoke)(TfLiteContext *, TfLiteNode *);
  const char *(*profiling_string)(const TfLiteContext *, const TfLiteNode *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
} TfLiteRegistration;
typedef TfLiteStatus (*Replace)(TfLiteContext *, TfLiteRegistration, const TfLiteIntArray *, struct TfLiteDelegate *);
typedef struct TfLiteDelegate {
  void *data;
  TfLiteStatus (*Prepare)(TfLiteContext *, struct TfLiteDelegate *);
  void *CopyFromBufferHandle, *CopyToBufferHandle, *FreeBufferHandle;
  int64_t flags;
} TfLiteDelegate;

struct edgetpu_device { int type; const char *path; };
struct edgetpu_option { const char *name; const char *value; };

/* A device that this process has open. */
typedef struct Device {
  int type;
  char path[256];
  int delegates, lock;
  bool lost;
  struct Device *next;
} Device;
static Device *opened;

static void place(char *text, size_t size, const char *name) {
  Dl_info info;
  dladdr((void *)&opened, &info);
  char file[512];
  snprintf(file, sizeof file, "%s", info.dli_fname);
  snprintf(text, size, "%s/%s", dirname(file), name);
}

static void note(const char *format, ...) {
  char path[600], line[1024];
  place(path, sizeof path, "journal");
  int length = snprintf(line, sizeof line, "%d ", (int)getpid());
  va_list values;
  va_start(values, format);
  length += vsnprintf(line + length, sizeof line - length - 1, format, values);
  va_end(values);
  line[length++] = '\n';
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (write(file, line, length) != length) abort();
  close(file);
}

/* The first line of a control file, or `otherwise`. */
static void told(const char *name, char *text, int size, const char *otherwise) {
  char path[600];
  place(path, sizeof path, name);
  snprintf(text, size, "%s", otherwise);
  FILE *file = fopen(path, "r");
  if (file == NULL) return;
  if (fgets(text, size, file) == NULL) snprintf(text, size, "%s", otherwise);
  text[strcspn(text, "\n")] = 0;
  fclose(file);
}

static struct edgetpu_device *listed(size_t *count) {
  char path[600], line[300];
  place(path, sizeof path, "devices");
  *count = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return NULL;
  struct edgetpu_device *all = calloc(16, sizeof *all);
  while (*count < 16 && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (strlen(line) < 3) continue;
    all[*count].type = atoi(line);
    all[(*count)++].path = strdup(line + 2);
  }
  fclose(file);
  return all;
}

static bool present(const Device *device) {
  size_t count;
  bool found = false;
  struct edgetpu_device *all = listed(&count);
  for (size_t i = 0; i < count; i++) found |= all[i].type == device->type && strcmp(all[i].path, device->path) == 0;
  return found;
}

/* init gets the node that it replaces and keeps what it holds. */
typedef struct { Device *device; const uint8_t *options; int size; } Program;

static void *program_init(TfLiteContext *context, const char *buffer, size_t length) {
  (void)length;
  const TfLiteDelegateParams *params = (const TfLiteDelegateParams *)buffer;
  TfLiteNode *node;
  TfLiteRegistration *registration;
  if (context->GetNodeAndRegistration(context, params->nodes_to_replace->data[0], &node, &registration) != kTfLiteOk) abort();
  Program *program = calloc(1, sizeof *program);
  program->device = params->delegate->data;
  program->options = node->custom_initial_data;
  program->size = node->custom_initial_data_size;
  note("load %s", program->device->path);
  return program;
}

static void program_free(TfLiteContext *context, void *buffer) {
  (void)context;
  note("unload %s", ((Program *)buffer)->device->path);
  free(buffer);
}

static uint32_t mix(uint32_t hash, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

static TfLiteStatus program_invoke(TfLiteContext *context, TfLiteNode *node) {
  const Program *program = node->user_data;
  char fate[64];
  told("fate", fate, sizeof fate, "ok");
  note("run %s", program->device->path);
  if (strcmp(fate, "abort") == 0) abort();
  while (strcmp(fate, "hang") == 0) pause();
  if (strncmp(fate, "slow ", 5) == 0) usleep(1000 * atoi(fate + 5));
  if (strcmp(fate, "error") == 0 || !present(program->device)) program->device->lost = true;
  if (program->device->lost) {
    context->ReportError(context, "the device at %s does not answer", program->device->path);
    return kTfLiteError;
  }
  uint32_t hash = mix(2166136261u, program->options, program->size);
  for (int i = 0; i < node->inputs->size; i++) {
    const TfLiteTensor *input = &context->tensors[node->inputs->data[i]];
    hash = mix(hash, input->data, input->bytes);
  }
  for (int i = 0; i < node->outputs->size; i++) {
    TfLiteTensor *output = &context->tensors[node->outputs->data[i]];
    uint8_t *values = output->data;
    for (size_t j = 0; j < output->bytes; j++) values[j] = (hash ^ (uint32_t)(i + 1)) * (uint32_t)(2 * j + 1) * 2654435761u >> 24;
  }
  return kTfLiteOk;
}

static TfLiteStatus delegate_prepare(TfLiteContext *context, TfLiteDelegate *delegate) {
  TfLiteRegistration kernel = {program_init, program_free, NULL, program_invoke, NULL, 0, "StandInForEdgeTpu", 1};
  TfLiteIntArray *plan;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  int size = plan->size, *found = calloc(size + 1, sizeof *found), count = 0;
  for (int i = 0; i < size; i++) {
    TfLiteNode *node;
    TfLiteRegistration *registration;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != kTfLiteOk) return kTfLiteError;
    if (registration->custom_name != NULL && strcmp(registration->custom_name, "edgetpu-custom-op") == 0)
      found[count++] = plan->data[i];
  }
  Replace replace = (Replace)context->ReplaceNodeSubsetsWithDelegateKernels;
  for (int i = 0; i < count; i++) {
    TfLiteIntArray *one = malloc(sizeof *one + sizeof(int));
    one->size = 1;
    one->data[0] = found[i];
    if (replace(context, kernel, one, delegate) != kTfLiteOk) return kTfLiteError;
    free(one);
  }
  free(found);
  return kTfLiteOk;
}

struct edgetpu_device *edgetpu_list_devices(size_t *count) {
  struct edgetpu_device *all = listed(count);
  if (*count > 0) return all;
  free(all);
  return NULL;
}

void edgetpu_free_devices(struct edgetpu_device *devices) { free(devices); }

const char *edgetpu_version(void) {
  static char text[64];
  char number[16];
  told("version", number, sizeof number, "14");
  snprintf(text, sizeof text, "BuildLabel(stand-in), RuntimeVersion(%s)", number);
  return text;
}

TfLiteDelegate *edgetpu_create_delegate(int type, const char *name, const struct edgetpu_option *options, size_t count) {
  for (size_t i = 0; i < count; i++) note("option %s=%s", options[i].name, options[i].value);
  Device *device = opened;
  while (device != NULL && (device->type != type || strcmp(device->path, name) != 0)) device = device->next;
  if (device == NULL) {
    device = calloc(1, sizeof *device);
    device->type = type;
    snprintf(device->path, sizeof device->path, "%s", name);
    char fate[64];
    told("fate", fate, sizeof fate, "ok");
    if (!present(device) || strcmp(fate, "refuse") == 0) {
      free(device);
      return NULL;
    }
    char file[64], path[600];
    snprintf(file, sizeof file, "device-%08x", mix(2166136261u, (const uint8_t *)name, strlen(name)));
    place(path, sizeof path, file);
    device->lock = open(path, O_RDWR | O_CREAT, 0644);
    if (flock(device->lock, LOCK_EX | LOCK_NB) != 0) note("stolen %s", name);
    device->next = opened;
    opened = device;
    note("open %d %s", type, name);
  }
  device->delegates++;
  note("delegate %s", name);
  TfLiteDelegate *delegate = calloc(1, sizeof *delegate);
  delegate->data = device;
  delegate->Prepare = delegate_prepare;
  delegate->flags = 1;
  return delegate;
}

void edgetpu_free_delegate(TfLiteDelegate *delegate) {
  Device *device = delegate->data;
  note("free %s", device->path);
  free(delegate);
  if (--device->delegates > 0) return;
  note("close %s", device->path);
  close(device->lock);
  Device **link = &opened;
  while (*link != device) link = &(*link)->next;
  *link = device->next;
  free(device);
}
