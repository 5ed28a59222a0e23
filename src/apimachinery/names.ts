import type { Random } from "../stdx/random.ts";

/** Without vowels and look-alikes, so that no suffix spells a word. */
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
/** A name may have 63 characters; the part that is given is cut so that the suffix fits. */
const generatedBaseMax = 63 - suffixLength;

export function randomSuffix(random: Random, length: number = suffixLength): string {
  let suffix = "";
  for (let at = 0; at < length; at++) suffix += suffixAlphabet[random.below(suffixAlphabet.length)] ?? "";
  return suffix;
}

/** What `metadata.generateName` becomes. */
export const generateName = (base: string, random: Random): string => `${base.slice(0, generatedBaseMax)}${randomSuffix(random)}`;

/** Replaces every character by one of the suffix alphabet: makes a hash fit for a name. */
export function safeEncode(text: string): string {
  let encoded = "";
  for (let at = 0; at < text.length; at++) encoded += suffixAlphabet[text.charCodeAt(at) % suffixAlphabet.length] ?? "";
  return encoded;
}
