import {
  Component,
  InitState,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';

/** A shop's outside: what it sends is sent, whatever becomes of the state. */
export interface Mail {
  /** Letters by what they are about. */
  readonly letters: string[];
}

/** A shop as it should be; the classes below have one mistake each. */
export class Shop extends Component<{
  state: { sold: string[]; stock: number };
  flows: {
    sell: { props: { order: string } };
    count: { result: number };
    reserve: { props: { order: string }; result: number };
  };
}> {
  static readonly componentName: string = 'Shop';
  protected readonly mail: Mail;

  constructor(mail: Mail) {
    super();
    this.mail = mail;
  }

  @InitState() setup() {
    return { sold: [], stock: 1_000 };
  }

  @Serve('count') count(state: State<Shop>) {
    return state.sold.length;
  }

  @Update('sell') async sell(state: State<Shop>, props: UpdateProps<Shop, 'sell'>, _: UpdateContext) {
    await this.pack();
    return { sold: [...state.sold, props.order], stock: state.stock - 1 };
  }

  @Serve('reserve') offer(state: State<Shop>, _: Props<Shop, 'reserve'>) {
    return state.stock;
  }

  @Update('reserve') reserve(state: State<Shop>, props: UpdateProps<Shop, 'reserve'>) {
    return { sold: [...state.sold, props.order], stock: state.stock - 1 };
  }

  protected pack(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends a letter as often as the update runs. */
export class PushyShop extends Shop {
  static override readonly componentName = 'PushyShop';
  override async sell(state: State<Shop>, props: UpdateProps<Shop, 'sell'>, _: UpdateContext) {
    this.mail.letters.push(props.order);
    await this.pack();
    return { sold: [...state.sold, props.order], stock: state.stock - 1 };
  }
}

/** Sends it under the update's id: who gets it twice can tell. */
export class PoliteShop extends Shop {
  static override readonly componentName = 'PoliteShop';
  override async sell(state: State<Shop>, props: UpdateProps<Shop, 'sell'>, { updateId }: UpdateContext) {
    const letter = `${updateId} ${props.order}`;
    if (!this.mail.letters.includes(letter)) this.mail.letters.push(letter);
    await this.pack();
    return { sold: [...state.sold, props.order], stock: state.stock - 1 };
  }
}

/** Keeps on `this` what belongs into the state. */
export class ForgetfulShop extends Shop {
  static override readonly componentName = 'ForgetfulShop';
  private stock = 1_000;
  override async sell(state: State<Shop>, props: UpdateProps<Shop, 'sell'>) {
    return { sold: [...state.sold, props.order], stock: --this.stock };
  }
}

/** Takes what the serve saw for what is so when the update runs. */
export class HastyShop extends Shop {
  static override readonly componentName = 'HastyShop';
  override reserve(state: State<Shop>, props: UpdateProps<Shop, 'reserve'>) {
    return { sold: [...state.sold, props.order], stock: props.serveResult - 1 };
  }
}
