// HTML as a tagged template: everything that is put into it is escaped unless it is markup already, so that no label, file or
// tensor name can become more than text.

import { visible } from '../report/visible.js';

/** A piece of HTML. */
export interface Markup {
  readonly html: string;
}

/** What a template takes: text and numbers are escaped, lists are joined, null and false are nothing. */
export type Piece = Markup | string | number | null | false | readonly Piece[];

/** Builds markup. */
export function html(texts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return {
    html: texts.map((text, index) => text + (index < pieces.length ? render(pieces[index] ?? null) : '')).join(''),
  };
}

/** Takes text as markup that is safe already, such as a drawn chart. */
export function trusted(text: string): Markup {
  return { html: text };
}

function render(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (typeof piece === 'number') return String(piece);
  if (typeof piece === 'string') return escape(piece);
  return 'html' in piece ? piece.html : piece.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
