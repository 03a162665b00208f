/** The niceness of a trial's process: what serves goes first, a trial has time. */
export const probeNiceness = 5;
