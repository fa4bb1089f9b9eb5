/** How deep arrays and objects may lie in each other: no API of ours needs a tenth of it. */
const MAX_DEPTH = 64;

/**
 * Is this JSON text nested deeper than anything we accept? Looked at before parsing, because what is parsed is later
 * written again (into messages, into the database), and JSON.stringify and PostgreSQL both fail on a tower of brackets.
 */
export function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // "
        quoted = !quoted;
        break;
      case 0x5c: // \ : the next character is part of the string whatever it is
        index += 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (!quoted) depth += 1;
        if (depth > MAX_DEPTH) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (!quoted) depth -= 1;
        break;
    }
  }
  return false;
}
