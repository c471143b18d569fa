// Every word of the page, by its key, in both languages.

import { ENGLISH } from "./text_en.js";
import { CHINESE } from "./text_zh.js";

export const TEXT = { en: ENGLISH, zh: CHINESE };

// The word of a key, with values put in. A name that is no key (tanh, glorot) is the same in every language.
export function say(lang, key, ...values) {
  const text = Object.hasOwn(TEXT[lang], key) ? TEXT[lang][key] : key;
  return text.replace(/\{(\d)\}/g, (_, n) => String(values[n]));
}
