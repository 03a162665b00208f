import { AtollError } from '@atoll/base/error';

/** Options of the library and the values that it takes; whatever else it is given, it passes over in silence. Source: libedgetpu, edgetpu_delegate_for_custom_op_tflite_plugin.cc. */
const known: Readonly<Record<string, { readonly values: string; readonly fits: RegExp }>> = {
  Performance: { values: 'Low, Medium, High or Max', fits: /^(Low|Medium|High|Max)$/ },
  'Usb.AlwaysDfu': { values: 'True or False', fits: /^(True|False)$/ },
  'Usb.MaxBulkInQueueLength': { values: '0 to 255', fits: /^(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$/ },
};

/** Refuses (INVALID_ARGUMENT) an option that the library does not know, or a value that it would not take. */
export function checkEdgeTpuOptions(options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined)
      throw refuse(name, `there are ${Object.keys(known).join(', ')}; the device is not named here`);
    if (!option.fits.test(value)) throw refuse(name, `it is ${option.values}, not ${JSON.stringify(value)}`);
  }
}

function refuse(name: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot use Edge TPU option ${JSON.stringify(name)}: ${why}`);
}
