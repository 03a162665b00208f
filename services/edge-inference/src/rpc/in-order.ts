/**
 * The answers to a stream's requests, in the order of the requests, while at most `ahead` are worked on at the same time. `answer`
 * must not throw. An answer never waits for the next request: the caller may send it only after the answer.
 */
export async function* inOrder<Q, A>(
  requests: AsyncIterable<Q>,
  ahead: number,
  answer: (request: Q) => Promise<A>,
): AsyncGenerator<A> {
  const underWay: Promise<A>[] = [];
  const incoming = requests[Symbol.asyncIterator]();
  const read = (): Promise<IteratorResult<Q>> => {
    const next = incoming.next();
    // It may be left alone when the call ends.
    next.catch(() => undefined);
    return next;
  };
  let next: ReturnType<typeof read> | undefined = read();
  while (next !== undefined || underWay.length > 0) {
    const [first] = underWay;
    const answered = first === undefined ? [] : [first.then(() => undefined)];
    const came = next !== undefined && underWay.length < ahead ? await Promise.race([next, ...answered]) : undefined;
    if (came === undefined) {
      if (first !== undefined) yield await first;
      void underWay.shift();
    } else if (came.done === true) {
      next = undefined;
    } else {
      underWay.push(answer(came.value));
      next = read();
    }
  }
}
