/** The compiled contract as reflection needs it: files by their name, and by what they declare. */
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** See the head of the file. A file comes with all that it imports, itself first; undefined for what is not there. */
export interface Descriptors {
  byName(name: string): readonly Buffer[] | undefined;
  /** The file that declares a service, method, message or enum, by its full name. */
  bySymbol(symbol: string): readonly Buffer[] | undefined;
}

/** Reads what buf compiled beside the generated code. */
export function readDescriptors(): Descriptors {
  const bytes = readFileSync(new URL(import.meta.resolve('@atoll/proto/descriptor.binpb')));
  const { file: files } = fromBinary(FileDescriptorSetSchema, bytes);
  const named = new Map(files.map((file) => [file.name, file]));
  const declared = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file])));
  const withImports = (first: FileDescriptorProto | undefined): readonly Buffer[] | undefined => {
    if (first === undefined) return undefined;
    const all = new Set([first]);
    for (const file of all) {
      for (const name of file.dependency) {
        const imported = named.get(name);
        if (imported !== undefined) all.add(imported);
      }
    }
    return [...all].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  };
  return {
    byName: (name) => withImports(named.get(name)),
    bySymbol: (symbol) => withImports(declared.get(symbol)),
  };
}

function symbolsOf(file: FileDescriptorProto): readonly string[] {
  const within = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`);
  const ofMessage = (scope: string, message: DescriptorProto): readonly string[] => {
    const name = within(scope, message.name);
    const enums = message.enumType.map((one) => within(name, one.name));
    return [name, ...enums, ...message.nestedType.flatMap((nested) => ofMessage(name, nested))];
  };
  const { package: scope } = file;
  return [
    ...file.messageType.flatMap((message) => ofMessage(scope, message)),
    ...file.enumType.map((one) => within(scope, one.name)),
    ...file.service.flatMap((service) => {
      const name = within(scope, service.name);
      return [name, ...service.method.map((method) => within(name, method.name))];
    }),
  ];
}
