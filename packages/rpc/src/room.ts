/** Bytes that several share, and that they take of those whom they share with others in turn. */
export interface Room {
  /** Takes more, or gives back what is negative; false, with nothing taken, when there is no room for it. */
  take(bytes: number): boolean;
}

/** An empty room; what is taken of it is taken of the one above, too. */
export function createRoom(limitBytes: number, above?: Room): Room {
  let usedBytes = 0;
  return {
    take(bytes) {
      if (bytes > 0 && usedBytes + bytes > limitBytes) return false;
      if (above?.take(bytes) === false) return false;
      usedBytes += bytes;
      return true;
    },
  };
}
