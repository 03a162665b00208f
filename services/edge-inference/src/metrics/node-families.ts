import type { Family } from './family.js';
import type { NodeNumbers } from './numbers.js';
import { versionFamilies } from './version-families.js';

/** Everything that a node of Atoll tells of itself; what its process tells is added by render.ts. */
export function nodeFamilies(numbers: NodeNumbers): readonly Family[] {
  const { versions, doors, changes, devices, residentBytes } = numbers;
  return [
    {
      name: 'atoll_build_info',
      type: 'gauge',
      help: 'Always 1; the labels tell what runs.',
      samples: [{ labels: { version: numbers.release, node: numbers.nodeVersion }, value: 1 }],
    },
    ...versionFamilies(versions, doors),
    {
      name: 'atoll_inference_pending_requests',
      type: 'gauge',
      help: 'Requests that wait for their turn.',
      samples: doors.map(({ model, waiting }) => ({ labels: { model }, value: waiting })),
    },
    {
      name: 'atoll_inference_pending_requests_limit',
      type: 'gauge',
      help: 'Requests that may wait; more are refused.',
      samples: doors.map(({ model, limit }) => ({ labels: { model }, value: limit })),
    },
    {
      name: 'atoll_model_changes_total',
      type: 'counter',
      help: 'What was done to a model, by kind.',
      samples: changes.map(({ model, change, count }) => ({ labels: { model, change }, value: count })),
    },
    {
      name: 'atoll_models_memory_bytes',
      type: 'gauge',
      help: 'Memory of all loaded models in all runtime processes.',
      samples: [{ labels: {}, value: numbers.memoryUsedBytes }],
    },
    {
      name: 'atoll_models_memory_budget_bytes',
      type: 'gauge',
      help: 'What they may take; 0 = no bound.',
      samples: [{ labels: {}, value: numbers.memoryBudgetBytes }],
    },
    {
      name: 'atoll_runtime_restarts_total',
      type: 'counter',
      help: 'Runtime processes that ended unasked and were replaced.',
      samples: [{ labels: {}, value: numbers.restarts }],
    },
    {
      name: 'atoll_runtime_resident_memory_bytes',
      type: 'gauge',
      help: 'Resident memory of a runtime process.',
      samples: residentBytes.map((bytes, slot) => ({ labels: { slot: String(slot) }, value: bytes })),
    },
    {
      name: 'atoll_device_up',
      type: 'gauge',
      help: '1 while the accelerator can be used.',
      samples: devices.map(({ device, state }) => ({ labels: { device }, value: state === 'lost' ? 0 : 1 })),
    },
    {
      name: 'atoll_device_losses_total',
      type: 'counter',
      help: 'How often the accelerator was lost.',
      samples: devices.map(({ device, losses }) => ({ labels: { device }, value: losses })),
    },
    {
      name: 'atoll_device_fallbacks_total',
      type: 'counter',
      help: 'Runs that a CPU made in its stead.',
      samples: devices.map(({ device, fallbacks }) => ({ labels: { device }, value: fallbacks })),
    },
  ];
}
