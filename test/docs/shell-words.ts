/**
 * The simple commands of a shell text, as words without their quotes: in pipes, lists, `$( )`, `( )` and `{ }` too. Not a whole
 * shell: whether the text is sound is for `bash -n` to say. Redirections, assignments before a command and here-documents are left out.
 */
export function simpleCommands(text: string): string[][] {
  const commands: string[][] = [];
  read(withoutHereDocuments(text), 0, undefined, commands);
  return commands.map(withoutAssignments).filter((words) => words.length > 0);
}

function withoutHereDocuments(text: string): string {
  return text.replaceAll(/<<-?\s*(['"]?)(\w+)\1([^\n]*)\n[^]*?\n\s*\2(?=\n|$)/g, '$3');
}

/** Words that stand before a command and are none. */
const reserved = new Set([
  'if',
  'then',
  'elif',
  'else',
  'while',
  'until',
  'do',
  '!',
  'time',
  '{',
  '}',
  'fi',
  'done',
]);

function withoutAssignments(words: string[]): string[] {
  const first = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word) && !reserved.has(word));
  return first === -1 ? [] : words.slice(first);
}

/** Reads up to `end` (or all) and gives the index behind it. */
function read(text: string, from: number, end: string | undefined, commands: string[][]): number {
  let words: string[] = [];
  let word: string | undefined;
  let target = false;
  const endWord = (): void => {
    if (word !== undefined && !target) words.push(word);
    if (word !== undefined) target = false;
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    commands.push(words);
    words = [];
  };
  let at = from;
  while (at < text.length) {
    const char = text[at]!;
    if (char === end) {
      endCommand();
      return at + 1;
    }
    if (char === '\\') {
      if (text[at + 1] !== '\n') word = (word ?? '') + (text[at + 1] ?? '');
      at += 2;
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1);
      word = (word ?? '') + text.slice(at + 1, close);
      at = close === -1 ? text.length : close + 1;
    } else if (char === '"') {
      const [inner, next] = doubleQuoted(text, at + 1, commands);
      word = (word ?? '') + inner;
      at = next;
    } else if (text.startsWith('$(', at) || char === '(') {
      const open = char === '(' ? 1 : 2;
      if (open === 2) word = `${word ?? ''}$()`;
      at = read(text, at + open, ')', commands);
    } else if (char === '#' && word === undefined) {
      const close = text.indexOf('\n', at);
      at = close === -1 ? text.length : close;
    } else if (char === '>' || char === '<') {
      if (/^\d$/.test(word ?? '')) word = undefined;
      endWord();
      const [mark = '', descriptor] = /^(?:>>|>\||[<>])&?(\d|-)?/.exec(text.slice(at)) ?? [];
      target = descriptor === undefined;
      at += Math.max(1, mark.length);
    } else if (/[;|&\n]/.test(char)) {
      endCommand();
      at += 1;
    } else if (/\s/.test(char)) {
      endWord();
      at += 1;
    } else {
      word = (word ?? '') + char;
      at += 1;
    }
  }
  endCommand();
  return at;
}

function doubleQuoted(text: string, from: number, commands: string[][]): [string, number] {
  let word = '';
  let at = from;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\' && /["\\$`\n]/.test(text[at + 1] ?? '')) {
      word += text[at + 1];
      at += 2;
    } else if (text.startsWith('$(', at)) {
      word += '$()';
      at = read(text, at + 2, ')', commands);
    } else word += text[at++];
  }
  return [word, at + 1];
}
