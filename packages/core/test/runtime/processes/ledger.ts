import { Component, InitState, type State, Update, type UpdateContext, type UpdateProps } from '@motion-ts/core';

/** Words in the order in which they came. What is done beside depends on who runs it. */
export class Ledger extends Component<{
  state: { log: string[] };
  flows: { add: { props: { word: string } } };
}> {
  private readonly beside: (word: string, context: UpdateContext) => string | Promise<string>;

  constructor(beside: Ledger['beside'] = (word) => word) {
    super();
    this.beside = beside;
  }
  @InitState() setup() {
    return { log: [] };
  }
  @Update('add') async add(state: State<Ledger>, props: UpdateProps<Ledger, 'add'>, context: UpdateContext) {
    return { log: [...state.log, await this.beside(props.word, context)] };
  }
}
