import { Component, Serve } from '@motion-ts/core';

/** The journal of another release: it knows of no updates. */
export class Journal extends Component {
  @Serve('add') add() {
    return 0;
  }
}
