"""SyncWorker: runs the eleven operations between Nhanh.vn and Shopify and reports every one of them to JobTracker."""
