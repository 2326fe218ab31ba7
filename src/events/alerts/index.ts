export { type AlertRule, type Alerts, createAlerts, type GaugeMetric, type ReadGauge } from './alerts.ts';
export { type TrafficSample, trafficSample } from './traffic-sample.ts';
