// Layers that give what they get once training is over.
import type { ImporterTable, LayerImporter } from './importer.js';

const pass: LayerImporter = (_layer, [input]) => input;

/** Layers that do nothing outside of training. */
export const passingLayers: ImporterTable = {
  Dropout: pass,
  SpatialDropout1D: pass,
  SpatialDropout2D: pass,
  GaussianDropout: pass,
  GaussianNoise: pass,
  AlphaDropout: pass,
  ActivityRegularization: pass,
  Identity: pass,
  RandomFlip: pass,
  RandomRotation: pass,
  RandomZoom: pass,
  RandomTranslation: pass,
  RandomContrast: pass,
  RandomBrightness: pass,
  RandomHeight: pass,
  RandomWidth: pass,
  RandomShear: pass,
  RandomPerspective: pass,
  RandomColorJitter: pass,
  RandomColorDegeneration: pass,
  RandomGrayscale: pass,
  RandomHue: pass,
  RandomSaturation: pass,
  RandomSharpness: pass,
  RandomPosterization: pass,
  RandomGaussianBlur: pass,
  RandomInvert: pass,
  RandomErasing: pass,
  RandomElasticTransform: pass,
  RandAugment: pass,
  AugMix: pass,
  MixUp: pass,
  CutMix: pass,
};
