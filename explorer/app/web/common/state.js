// Values told to the server. Each carries a turn, so that telling the same value twice is still a change.

let turn = 0;

/** `tell(name, value)` for one component. */
export function teller(component) {
  return (name, value) => {
    turn += 1;
    component.setStateValue(name, { turn, value });
  };
}
