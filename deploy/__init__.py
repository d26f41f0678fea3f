"""What puts Slugline into production: the image, the cluster, and the supply chain behind them."""
