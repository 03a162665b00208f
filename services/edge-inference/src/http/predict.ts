import { AtollError } from '@atoll/base/error';
import { runPredict } from '../image/run-predict.js';
import type { Inference } from '../inference.js';
import { targetOf } from '../swap/target.js';
import { httpFault, jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** POST /atoll/v1/models/NAME[/versions/V]/predict?top=N with an encoded photo as body; the fields are those of Predict. */
export function predict(inference: Inference): Handler {
  return async ({ route: { model, version, query }, request, body, caller }) => {
    const type = request.headers['content-type'];
    if (type !== undefined && !/^(image\/[\w.+-]+|application\/octet-stream)\b/i.test(type)) {
      throw httpFault(415, `cannot judge a photo of type ${JSON.stringify(type.slice(0, 80))}: it is not image/*`);
    }
    const target = targetOf(version);
    const top = topOf(query);
    const {
      predictions,
      version: by,
      ...rest
    } = await runPredict(inference, { model, image: await body(), top }, target, caller());
    return jsonAnswer(200, { predictions, ...rest, version: String(by) });
  };
}

function topOf(query: string): number {
  const text = new URLSearchParams(query).get('top');
  if (text === null) return 0;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot give the top ${JSON.stringify(text.slice(0, 40))}: it is not a whole number from 1`,
  );
}
