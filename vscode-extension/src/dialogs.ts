/** Which dialog fits a question. Pure. */

export enum DialogKind {
  Buttons,
  Pick,
  Text,
}

const MAX_BUTTONS = 3;
const MAX_LABEL = 30;

/** Buttons for few short choices; a list for more or longer ones; a line to type in where there are none. */
export function dialogKind(choices: readonly string[]): DialogKind {
  if (!choices.length) return DialogKind.Text;
  const fits = choices.length <= MAX_BUTTONS && choices.every((choice) => choice.length <= MAX_LABEL);
  return fits ? DialogKind.Buttons : DialogKind.Pick;
}
