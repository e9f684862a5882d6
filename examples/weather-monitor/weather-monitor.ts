import { Component, InitState, type Props, Serve, type State, Update, type UpdateProps } from '@motion-ts/core';
import { add, merge, none, type Running, zScore } from './statistics.js';
import { type Day, type Variable, variables } from './weather.js';

/** Statistics of one calendar month, over all years. */
type Month = Record<Variable, Running>;

/** A value far from what its season lets expect. */
export interface Anomaly {
  readonly date: string;
  readonly variable: Variable;
  readonly value: number;
  readonly z: number;
}

/** Standard deviations from which on a value is an anomaly. */
const FAR = 3;
/** Only who has seen every season once can tell what is usual. */
const LEARNING_DAYS = 366;

/**
 * Watches the weather of one place. A value is compared with those of its month and the two months beside it, in all
 * years so far: against the whole year, every winter day would be a cold one.
 */
export class WeatherMonitor extends Component<{
  state: {
    /** Days that are in the statistics. */
    days: number;
    /** The date of the latest. */
    latest: string | null;
    /** January first. */
    months: Month[];
    anomalies: Anomaly[];
  };
  flows: {
    observe: { props: Day; result: Anomaly[] };
  };
}> {
  static readonly componentName = 'WeatherMonitor';

  @InitState()
  setup() {
    const month = (): Month => Object.fromEntries(variables.map((variable) => [variable, none])) as Month;
    return { days: 0, latest: null, months: Array.from({ length: 12 }, month), anomalies: [] };
  }

  /** Answers at once, from the days so far. */
  @Serve('observe')
  judge(state: State<WeatherMonitor>, { date, values }: Props<WeatherMonitor, 'observe'>): Anomaly[] {
    const { days, latest, months } = state;
    // A day that is in already was judged before it was in: now its own values would be among the usual ones.
    if (days < LEARNING_DAYS || (latest !== null && date <= latest)) return [];
    const month = monthOf(date);
    const season = [months.at(month - 1), months[month], months[(month + 1) % 12]];
    return variables.flatMap((variable) => {
      const usual = season.map((one) => one?.[variable] ?? none).reduce(merge);
      const z = zScore(usual, evened(variable, values[variable]));
      return z !== null && Math.abs(z) > FAR ? [{ date, variable, value: values[variable], z }] : [];
    });
  }

  /** Folds the day into its month, in the background. */
  @Update('observe')
  fold(state: State<WeatherMonitor>, { date, values, serveResult }: UpdateProps<WeatherMonitor, 'observe'>) {
    const folded = (month: Readonly<Month>): Month =>
      Object.fromEntries(
        variables.map((variable) => [variable, add(month[variable], evened(variable, values[variable]))]),
      ) as Month;
    return {
      days: state.days + 1,
      latest: date,
      months: state.months.map((month, n) => (n === monthOf(date) ? folded(month) : month)),
      anomalies: serveResult.length > 0 ? [...state.anomalies, ...serveResult] : undefined,
    };
  }
}

/** 0 for January. */
function monthOf(date: string): number {
  return Number(date.slice(5, 7)) - 1;
}

/**
 * Standard deviations say little where a few values are huge and most are small: rain is compared by its logarithm, wind
 * by its square root.
 */
function evened(variable: Variable, value: number): number {
  if (variable === 'precipitation') return Math.log1p(value);
  return variable === 'wind' ? Math.sqrt(value) : value;
}
