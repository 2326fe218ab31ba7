>> {"jsonrpc":"2.0","id":80,"method":"debug_traceTransaction","params":["0x71313ca997899490b999eb457bd44fb5bab9ab45fe0622e24eac20c7ac5a4b77"]}
<< {"jsonrpc":"2.0","id":80,"result":{"failed":false,"gas":62264,"returnValue":"0x5f3560e01c6385bb7d6914602157637e46dab660e01b5f52602a60045260245ffd5b602a5f5260205ff3","structLogs":[]}}
>> {"jsonrpc":"2.0","id":81,"method":"debug_traceTransaction","params":["0x395f0d02cc94f526a6f29215d69a89e264ce87aa90b8e6df2f76ae6dd706b912"]}
<< {"jsonrpc":"2.0","id":81,"result":{"failed":false,"gas":21000,"returnValue":"0x","structLogs":[]}}
>> {"jsonrpc":"2.0","id":82,"method":"debug_traceTransaction","params":["0x3f2aa56dcf14fcac86f61f6a0284c94129868f0d5b3e94d3ea5fe16f6dc37fc8"]}
<< {"jsonrpc":"2.0","id":82,"result":{"failed":true,"gas":21160,"returnValue":"0x7e46dab6000000000000000000000000000000000000000000000000000000000000002a","structLogs":[]}}
