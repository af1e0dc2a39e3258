// What every widget gets from Streamlit and gives back to it.

/**
 * A component as Streamlit hands it over (version 2 of its components).
 * @template Data
 * @typedef {object} Component
 * @property {ShadowRoot} parentElement where the widget is shown
 * @property {Data} data what the Python side sent
 * @property {(name: string, value: unknown) => void} setStateValue
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/** @typedef {(name: string, value: unknown) => void} Send */

let turn = 0;

/**
 * A function that sends a state to the Python side. Each value is numbered, so that the same value sent twice is a change.
 * @param {Pick<Component<unknown>, "setStateValue">} component
 * @returns {Send}
 */
export function stateSender(component) {
  return (name, value) => {
    turn += 1;
    component.setStateValue(name, { turn, value });
  };
}
