/*
 * Imported first by main.ts: the young generation keeps its first size of 1 MiB. A request leaves little on V8's heap and its
 * tensor beside it, so with the usual 16 MiB the dead tensors of thousands of requests wait for a collection, and V8 collects the
 * whole heap over and over because of them. Small collections often are a third of the processor time of a request less, and
 * 30 MB.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
